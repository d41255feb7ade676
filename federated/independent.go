package federated

// Independent declares that access to a user's mailbox does not give access to the user's account
// at p, for instance by a password reset. Without this declaration, a sign-in at p counts as the
// mailbox: afterwards no mailed code is accepted as a second factor or as a rescue.
//
// Trade-off: if the declaration is wrong, one mailbox is enough for accounts with two factors.
func Independent(p Provider) Provider { return independent{p} }

type independent struct{ Provider }

// IsIndependent reports whether a provider was declared Independent.
func IsIndependent(p Provider) bool {
	_, ok := p.(independent)
	return ok
}
