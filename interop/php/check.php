<?php

// One call by the curl extension and what came of it; checks, and their count.

declare(strict_types=1);

$counts = ['passed' => 0, 'failed' => 0];

/** What came back; `json` is null where the body is not JSON. */
final readonly class Answer
{
    public function __construct(
        public int $status,
        public string $reason,
        /** @var array<string, string> by lower-case name */
        public array $headers,
        public string $body,
        public mixed $json,
    ) {
    }
}

/** Sends a GET, or a POST where there is a body; headers are lines `Name: value`. */
function call(string $url, ?string $body = null, array $headers = []): Answer
{
    $statusLine = '';
    $seen = [];
    $curl = curl_init($url);
    curl_setopt_array($curl, [
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 30,
        CURLOPT_HTTP_VERSION => CURL_HTTP_VERSION_1_1,
        CURLOPT_HTTPHEADER => $headers,
        CURLOPT_HEADERFUNCTION => function ($curl, string $line) use (&$statusLine, &$seen): int {
            if (str_starts_with($line, 'HTTP/')) {
                $statusLine = trim($line);
            } elseif (str_contains($line, ':')) {
                [$name, $value] = explode(':', $line, 2);
                $seen[strtolower($name)] = trim($value);
            }
            return strlen($line);
        },
    ]);
    if ($body !== null) {
        curl_setopt($curl, CURLOPT_POSTFIELDS, $body);
    }
    $text = curl_exec($curl);
    if ($text === false) {
        throw new RuntimeException("$url: " . curl_error($curl));
    }
    $reason = explode(' ', $statusLine, 3)[2] ?? '';
    return new Answer(curl_getinfo($curl, CURLINFO_RESPONSE_CODE), $reason, $seen, $text, json_decode($text, true));
}

/** Sends JSON. */
function call_json(string $url, array $members, array $headers = []): Answer
{
    return call($url, json_encode($members), ['Content-Type: application/json', ...$headers]);
}

/** Names and types of an object's members, in order. */
function shape(?array $members): string
{
    $type = fn (mixed $value): string => match (true) {
        is_array($value) => array_is_list($value) ? 'array' : 'object',
        is_int($value), is_float($value) => 'number',
        is_bool($value) => 'boolean',
        is_null($value) => 'null',
        default => 'string',
    };
    $named = fn (string $name, mixed $value): string => "$name:" . $type($value);
    return implode(' ', array_map($named, array_map(strval(...), array_keys($members ?? [])), $members ?? []));
}

/** Counts a check; values are compared as JSON, so the order of members and their types count. */
function same(string $name, mixed $actual, mixed $expected): void
{
    global $counts;
    $is = json_encode($actual);
    $shouldBe = json_encode($expected);
    if ($is === $shouldBe) {
        $counts['passed']++;
    } else {
        $counts['failed']++;
        echo "FAIL $name\n  is        $is\n  should be $shouldBe\n";
    }
}

/** Checks the status and body of an answer. */
function answers(string $name, Answer $answer, int $status, string $body): void
{
    same("$name: status", $answer->status, $status);
    same("$name: body", $answer->body, $body);
}

/** Prints the closing line; gives the exit code. */
function finish(string $suite): int
{
    global $counts;
    echo "$suite: {$counts['passed']} passed, {$counts['failed']} failed\n";
    return $counts['failed'] === 0 && $counts['passed'] > 0 ? 0 : 1;
}
