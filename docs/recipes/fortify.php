<?php
// Laravel Fortify: php artisan tinker --execute 'require "fortify.php";' > people.jsonl
echo json_encode(['twofold' => 1, 'source' => 'laravel']), "\n";
foreach (App\Models\User::query()->orderBy('id')->cursor() as $u) {
    $line = ['id' => (string) $u->id, 'active' => true, 'fields' => ['name' => (string) $u->name],
        'addresses' => [['address' => $u->email, 'proven' => $u->email_verified_at !== null]]];
    if ($u->password) {
        $line['password'] = ['value' => $u->password];
    }
    if ($u->hasEnabledTwoFactorAuthentication()) {
        $line['authenticators'] = [['secret' => decrypt($u->two_factor_secret)]];
        foreach (json_decode(decrypt($u->two_factor_recovery_codes), true) ?: [] as $code) {
            $line['recovery_codes'][] = ['plain' => $code];
        }
    }
    echo json_encode($line, JSON_UNESCAPED_SLASHES), "\n";
}
