<?php

// Zro: a JWT for an API key; the old token is what the next one is got with.

declare(strict_types=1);

/** A random UUID, version 4. */
function nonce(): string
{
    $bytes = random_bytes(16);
    $bytes[6] = chr(ord($bytes[6]) & 0x0f | 0x40);
    $bytes[8] = chr(ord($bytes[8]) & 0x3f | 0x80);
    return vsprintf('%s%s-%s-%s-%s-%s%s%s', str_split(bin2hex($bytes), 4));
}

return function (string $url, array $key): void {
    $signIn = fn (array $body): Answer => call_json("$url/auth/singin", $body);
    $wallets = fn (string $token): Answer
        => call("$url/operations/wallets", headers: ["Authorization: Bearer $token", 'nonce: ' . nonce()]);

    $answer = $signIn($key);
    same('zro sign-in: status', $answer->status, 200);
    same('zro sign-in: members', shape($answer->json), 'access_token:string');
    $token = $answer->json['access_token'];

    $answer = $wallets($token);
    same('zro wallets: status', $answer->status, 200);
    same('zro wallets: envelope', shape($answer->json), 'success:boolean data:object error:null');
    $page = 'page:number page_size:number page_total:number total:number data:array';
    same('zro wallets: page', shape($answer->json['data']), $page);

    $answer = call("$url/auth/refresh-token", '', ["x-access-token: $token", 'nonce: ' . nonce(), 'Content-Type:']);
    same('zro refresh: status', $answer->status, 200);
    same('zro refresh: members', shape($answer->json), 'access_token:string');
    same('zro refresh: the new token works', $wallets($answer->json['access_token'])->status, 200);
    answers(
        'zro refresh: the old token has ended',
        $wallets($token),
        401,
        '{"success":false,"data":null,"error":"AUTH","message":"Access is denied.","code":"UNAUTHORIZED"}',
    );

    answers(
        'zro wrong key',
        $signIn([...$key, 'api_key' => 'not-' . $key['api_key']]),
        401,
        '{"code":401,"message":"User authentication failed"}',
    );
    answers(
        'zro no key',
        $signIn(['api_id' => $key['api_id']]),
        400,
        '{"code":400,"message":"If any required params are missing or has invalid format or type."}',
    );
};
