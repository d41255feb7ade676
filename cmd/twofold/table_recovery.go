package main

func recoveryTable() []setting {
	return []setting{
		{Name: "SECURITY_MULTI_FACTOR_RECOVERY_CODES", Type: flag, Default: "false", Field: "TwoFactor.RecoveryCodes",
			Doc: "People can make recovery codes, offered when they set up their first second factor. They are " +
				"shown once and kept as keyed hashes. `--dev` switches it on.",
			Cost:  "Anyone who finds the paper has a second factor.",
			Apply: toBool(func(s *settings) *bool { return &s.codes.on })},
		{Name: "SECURITY_MULTI_FACTOR_RECOVERY_CODES_N", Field: "TwoFactor.RecoveryCodes.Number",
			Doc: "The number of codes in a set."},
		{Name: "SECURITY_MULTI_FACTOR_RECOVERY_CODES_BEFORE_FACTOR", Type: flag, Default: "false",
			Field: "TwoFactor.RecoveryCodes.BeforeFactor",
			Doc:   "People can create codes before they have a second factor, as in the original.",
			Cost: "Anyone who gets into an account without a second factor can make codes that open it after its " +
				"owner sets one up. The owner is told by mail when codes are made.",
			Apply: toBool(func(s *settings) *bool { return &s.codes.with.BeforeFactor })},
		{Name: "SECURITY_MULTI_FACTOR_RECOVERY_CODE_TTL", Field: "TwoFactor.RecoveryCodes.Life",
			Doc: "Lifetime of a code."},
	}
}
