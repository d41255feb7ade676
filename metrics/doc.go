// Package metrics counts what happens, as a collector for Prometheus
// (github.com/prometheus/client_golang), and shows it in the text format that every
// collector of metrics reads.
//
// It owns the names and labels of the figures. Labels hold methods, channels,
// outcomes and patterns of routes: never an account, an address, a path as it
// was asked for, or anything secret, so the figures may be kept for long and
// their number is bounded.
//
//	m := metrics.New()
//	auth, err := twofold.New(twofold.Config{OnEvent: m.OnEvent, OnSend: m.OnSend, ...})
//	m.Watch(auth)
//	prometheus.MustRegister(m)                   // with the application's own figures, or
//	go http.ListenAndServe("127.0.0.1:9090", m) // apart from what the public reaches
package metrics
