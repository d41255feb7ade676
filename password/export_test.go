package password

// WithBcryptCost lets tests of bcrypt run in milliseconds, the race detector on.
func WithBcryptCost(h *Hasher, cost int) *Hasher {
	c := bcryptCost(cost)
	h.create, h.fresh, h.dummy = c.create, c.fresh, c.dummy()
	return h
}
