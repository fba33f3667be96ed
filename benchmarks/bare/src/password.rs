//! Password sign-in: one Argon2id with OWASP's first parameters, on two threads that keep their memory.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use anyhow::anyhow;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::Deserialize;
use tokio::sync::oneshot;

use crate::{Bare, JSON};

const THREADS: usize = 2;
const SALT: [u8; 16] = [7; 16];

type Tag = [u8; 32];

/// The people, who all have one password.
pub(crate) struct People {
    tag: Tag,
    jobs: mpsc::Sender<Job>,
}

struct Job {
    password: String,
    done: oneshot::Sender<Tag>,
}

#[derive(Deserialize)]
struct SignIn {
    password: String,
}

impl People {
    pub(crate) fn with(password: &str) -> anyhow::Result<Self> {
        let params = Params::new(19_456, 2, 1, Some(32)).map_err(|error| anyhow!("Argon2id: {error}"))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        let hash = move |password: &str, memory: &mut Vec<Block>| {
            memory.resize(params.block_count(), Block::new());
            let mut tag = Tag::default();
            let done =
                argon2.hash_password_into_with_memory(password.as_bytes(), &SALT, &mut tag, memory.as_mut_slice());
            done.map(|()| tag)
        };
        let tag = hash(password, &mut Vec::new()).map_err(|error| anyhow!("Argon2id: {error}"))?;
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..THREADS {
            let (queue, hash) = (Arc::clone(&queue), hash.clone());
            thread::spawn(move || {
                let mut memory = Vec::new();
                let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                while let Ok(job) = next() {
                    if let Ok(tag) = hash(&job.password, &mut memory) {
                        // Whoever has left needs no answer.
                        let _ = job.done.send(tag);
                    }
                }
            });
        }
        Ok(Self { tag, jobs })
    }

    async fn verify(&self, password: String) -> bool {
        let (done, tag) = oneshot::channel();
        if self.jobs.send(Job { password, done }).is_err() {
            return false;
        }
        tag.await.is_ok_and(|tag| verify_slices_are_equal(&tag, &self.tag).is_ok())
    }
}

/// `POST /sign-in`
pub(crate) async fn post(State(bare): State<Arc<Bare>>, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<SignIn>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if !bare.people.verify(request.password).await {
        return StatusCode::FORBIDDEN.into_response();
    }
    let mut token = [0; 32];
    // Zeros, if the system has no randomness, would be found out: every token must differ from the one before.
    let _ = aws_lc_rs::rand::fill(&mut token);
    (JSON, format!(r#"{{"access_token":"{}"}}"#, BASE64URL.encode(token))).into_response()
}
