<?php

// ION: OAuth client credentials, then GraphQL with the token bare, as Token or as Bearer.

declare(strict_types=1);

return function (string $url, array $key): void {
    $members = 'access_token:string expires_in:number refresh_expires_in:number token_type:string '
        . 'not-before-policy:number scope:string';
    $ask = fn (array $form): Answer
        => call("$url/realms/api-keys/protocol/openid-connect/token", http_build_query($form));
    $graphql = fn (string $query, array $headers): Answer => call_json("$url/graphql", ['query' => $query], $headers);
    $form = ['grant_type' => 'client_credentials', 'audience' => $url, ...$key];

    $answer = $ask($form);
    same('ion token: status', $answer->status, 200);
    same('ion token: members', shape($answer->json), $members);
    same('ion token: lifetimes', [$answer->json['expires_in'], $answer->json['refresh_expires_in']], [300, 0]);
    $token = $answer->json['access_token'];

    $answer = $graphql(
        '{ runs(first: 10) { edges { node { id title steps { id title } } } } }',
        ["Authorization: $token"],
    );
    same('ion runs: status', $answer->status, 200);
    $edges = $answer->json['data']['runs']['edges'];
    same('ion runs: page', count($edges), 10);
    same('ion runs: a run', shape($edges[0]['node']), 'id:number title:string steps:array');
    same('ion runs: a step', shape($edges[0]['node']['steps'][0]), 'id:number title:string');
    foreach (['Bearer', 'Token'] as $scheme) {
        $answer = $graphql('{ me { id name organization { domain } } }', ["Authorization: $scheme $token"]);
        same("ion me as $scheme: status", $answer->status, 200);
        $expected = 'id:number name:string organization:object';
        same("ion me as $scheme: members", shape($answer->json['data']['me']), $expected);
    }

    // There is no refresh token with this grant: one asks again.
    same('ion asking again: another token', $ask($form)->json['access_token'] !== $token, true);

    answers(
        'ion wrong secret',
        $ask([...$form, 'client_secret' => 'not-' . $key['client_secret']]),
        401,
        '{"error":"invalid_client","error_description":"Invalid client or Invalid client credentials"}',
    );
    answers(
        'ion no grant type',
        $ask($key),
        400,
        '{"error":"invalid_request","error_description":"Missing form parameter: grant_type"}',
    );
    answers(
        'ion no token',
        $graphql('{ me { id } }', []),
        401,
        '{"errors":[{"message":"Please provide proper credentials"}]}',
    );
};
