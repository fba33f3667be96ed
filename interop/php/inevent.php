<?php

// InEvent: a tokenID for a password; refusals are a reason phrase.

declare(strict_types=1);

return function (string $url, array $key): void {
    $members = 'personID:string firstName:string lastName:string name:string username:string email:string '
        . 'image:string timezone:string telephone:string facebookID:string linkedInID:string '
        . 'twitterID:string date:string tokenID:string scope:string targetID:string';
    $signIn = function (string $password, array $query = []) use ($url, $key): Answer {
        $query = http_build_query(['action' => 'person.signIn', 'username' => $key['username'], ...$query]);
        return call("$url/?$query", http_build_query(['password' => $password]));
    };
    // As the vendor's own PHP library does: POST for reads too, an empty body, Bearer.
    $person = fn (string $token, array $query = []): Answer
        => call("$url/?" . http_build_query(['action' => 'person.get', ...$query]), '', ["Authorization: Bearer $token"]);
    $refused = function (string $name, Answer $answer, int $status, string $reason): void {
        answers("inevent $name", $answer, $status, '');
        same("inevent $name: reason", $answer->reason, $reason);
        same("inevent $name: header", $answer->headers['x-inevent-error'] ?? null, $reason);
    };

    $answer = $signIn($key['password']);
    same('inevent sign-in: status', $answer->status, 200);
    same('inevent sign-in: envelope', shape($answer->json), 'count:number data:array');
    $signedIn = $answer->json['data'][0];
    same('inevent sign-in: members', shape($signedIn), $members);
    same('inevent sign-in: who', $signedIn['username'], $key['username']);

    $answer = $person($signedIn['tokenID']);
    same('inevent person.get: status', $answer->status, 200);
    $seen = $answer->json['data'][0];
    same('inevent person.get: who', [$seen['personID'], $seen['username']], [$signedIn['personID'], $key['username']]);
    same('inevent person.get: scope', [$seen['scope'], $seen['targetID']], ['system', '0']);

    $event = ['eventID' => $key['event_id']];
    $signedIn = $signIn($key['event_password'], $event)->json['data'][0];
    same('inevent event: scope', [$signedIn['scope'], $signedIn['targetID']], ['event', $key['event_id']]);
    $answer = $person($signedIn['tokenID'], $event);
    same('inevent event: an Admin there acts as User', $answer->json['data'][0]['level'], 'User');

    $refused('wrong password', $signIn('not-' . $key['password']), 401, 'invalid username or password');
    $refused('no password', $signIn(''), 400, 'password cannot be empty');
    $refused('unknown token', $person('unknown'), 401, 'tokenID is invalid');
};
