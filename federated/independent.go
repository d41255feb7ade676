package federated

// Independent returns p as a provider whose accounts are another thing than its
// users' mailboxes: a person who reads their mail cannot sign in there, by a reset of
// the password for instance. Without that, an account at another site counts as
// the mailbox, and nothing that is mailed is a second factor or a rescue after it.
//
// Trade-off: if it is not so, one mailbox opens accounts of two factors.
func Independent(p Provider) Provider { return independent{p} }

type independent struct{ Provider }

// IsIndependent reports whether a provider was declared Independent.
func IsIndependent(p Provider) bool {
	_, ok := p.(independent)
	return ok
}
