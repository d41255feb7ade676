<?php
// Stands for the application: its users, and Laravel's decrypt().
namespace App\Models {
    #[\AllowDynamicProperties]
    class User
    {
        public static function query() { return new self; }
        public function orderBy($column) { return $this; }
        public function cursor()
        {
            foreach (json_decode(file_get_contents(getenv('INPUT')), true) as $row) {
                $u = new self;
                foreach ($row as $name => $value) {
                    $u->$name = $value;
                }
                yield $u;
            }
        }
        public function hasEnabledTwoFactorAuthentication() { return $this->two_factor_confirmed_at !== null; }
    }
}
namespace {
    function decrypt($text) { return $text; }
}
