<?php

// Runs the program of each realm; fails if a check failed or none ran.

declare(strict_types=1);

require 'check.php';

$demo = json_decode(file_get_contents(getenv('JETON_DEMO')), true, flags: JSON_THROW_ON_ERROR);

foreach (['inevent', 'pitchpoint', 'ion', 'zro'] as $realm) {
    $program = require "$realm.php";
    try {
        $program($demo['url'], $demo['realms'][$realm]);
    } catch (Throwable $error) {
        // One realm that is not as expected must not hide the others.
        same("$realm: the program runs to its end", $error->getMessage(), null);
    }
}
exit(finish('php'));
