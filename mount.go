package twofold

import (
	"net/http"
	"strings"
)

// ServeHTTP serves every path of the sign-in.
func (a *Auth) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.work.watch(r.Context())
	a.site.ServeHTTP(w, r)
}

// Wrap serves every path of the sign-in and passes all other requests to next.
// It works with any router: http.ListenAndServe(address, auth.Wrap(router)).
func (a *Auth) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.site.Serves(r) {
			a.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Mount registers every path of the sign-in on a mux, such as *http.ServeMux or a chi router. For a
// router with another syntax for path parameters than "{token}", use Wrap.
func (a *Auth) Mount(mux interface{ Handle(string, http.Handler) }) {
	for _, pattern := range a.site.Patterns() {
		mux.Handle(pattern, a)
		if strings.HasSuffix(pattern, "/") {
			mux.Handle(pattern+"*", a) // a wildcard for chi, and one more path for http.ServeMux
		}
	}
}

// Paths returns every path of the sign-in. "{token}" stands for one segment, and a slash at the end
// for every path below it. Use Wrap or Mount to serve them.
func (a *Auth) Paths() []string { return a.site.Patterns() }
