<?php

// Pitchpoint: a JWT and a refresh token for a password; the refresh token is kept.

declare(strict_types=1);

return function (string $url, array $key): void {
    $members = 'access_token:string refresh_token:string scope:string token_type:string expires_in:number';
    $oauth = "$url/user-management-services-ws/oauth2/002";
    $signIn = fn (string $password): Answer
        => call_json("$oauth/signInWithPassword", ['username' => $key['username'], 'password' => $password]);
    $refresh = fn (string $token): Answer => call_json("$oauth/refreshIdToken", ['refresh_token' => $token]);
    $orders = fn (array $body, array $headers = []): Answer
        => call_json("$url/riskinsight-services-ws/resources/v1/orders/query", $body, $headers);

    $answer = $signIn($key['password']);
    same('pitchpoint sign-in: status', $answer->status, 200);
    $first = $answer->json;
    same('pitchpoint sign-in: members', shape($first), $members);
    same('pitchpoint sign-in: lifetime', $first['expires_in'], 3600);

    $answer = $orders(['limit' => 3], ["Authorization: Bearer {$first['access_token']}"]);
    same('pitchpoint orders: status', $answer->status, 200);
    $page = $answer->json;
    same('pitchpoint orders: members', shape($page), 'count:number limit:number nextMarker:string results:array');
    same('pitchpoint orders: page', [$page['count'], $page['limit'], count($page['results'])], [3, 3, 3]);

    $answer = $refresh($first['refresh_token']);
    same('pitchpoint refresh: status', $answer->status, 200);
    $second = $answer->json;
    same('pitchpoint refresh: members', shape($second), $members);
    same('pitchpoint refresh: the same refresh token', $second['refresh_token'], $first['refresh_token']);
    $answer = $orders(['limit' => 1], ["Authorization: Bearer {$second['access_token']}"]);
    same('pitchpoint refresh: the new token works', $answer->status, 200);

    answers(
        'pitchpoint wrong password',
        $signIn('not-' . $key['password']),
        403,
        '{"error_description":"Invalid username / password combination","error":"access_denied"}',
    );
    answers(
        'pitchpoint unknown refresh token',
        $refresh('AMf-unknown'),
        403,
        '{"error_description":"Invalid refresh token","error":"access_denied"}',
    );
    $answer = $orders(['limit' => 1]);
    same('pitchpoint no token: status', $answer->status, 401);
    same('pitchpoint no token: challenge', $answer->headers['www-authenticate'] ?? null, 'Bearer error="invalid_token"');
    same('pitchpoint no token: members', shape($answer->json), 'error_description:string error:string');
};
