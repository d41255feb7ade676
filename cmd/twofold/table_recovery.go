package main

func recoveryTable() []setting {
	return []setting{
		{Name: "SECURITY_MULTI_FACTOR_RECOVERY_CODES", Type: flag, Default: "false", Field: "TwoFactor.RecoveryCodes",
			Doc: "Lets users create recovery codes, which are offered when they set up their first second " +
				"factor. The codes are shown once and stored as keyed hashes. `--dev` switches this on.",
			Cost:  "Anyone who finds the paper with the codes has a second factor.",
			Apply: toBool(func(s *settings) *bool { return &s.codes.on })},
		{Name: "SECURITY_MULTI_FACTOR_RECOVERY_CODES_N", Field: "TwoFactor.RecoveryCodes.Number",
			Doc: "Number of codes in a set."},
		{Name: "SECURITY_MULTI_FACTOR_RECOVERY_CODES_BEFORE_FACTOR", Type: flag, Default: "false",
			Field: "TwoFactor.RecoveryCodes.BeforeFactor",
			Doc:   "Lets users create codes before they have a second factor, as in the original.",
			Cost: "An attacker who gets into an account without a second factor can create codes that still " +
				"open it after the owner sets one up. The owner is notified by mail when codes are created.",
			Apply: toBool(func(s *settings) *bool { return &s.codes.with.BeforeFactor })},
		{Name: "SECURITY_MULTI_FACTOR_RECOVERY_CODE_TTL", Field: "TwoFactor.RecoveryCodes.Life",
			Doc: "Lifetime of a recovery code."},
	}
}
