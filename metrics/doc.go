// Package metrics counts events, requests and messages. It is a collector for Prometheus
// (github.com/prometheus/client_golang) and serves the figures in the Prometheus text format.
//
// Labels contain methods, channels, outcomes and patterns of routes. They never contain an account,
// an address, a requested path or a secret, so the figures may be kept for a long time and their
// number is bounded.
//
//	m := metrics.New()
//	auth, err := twofold.New(twofold.Config{OnEvent: m.OnEvent, OnSend: m.OnSend, ...})
//	m.Watch(auth)
//	prometheus.MustRegister(m)                   // with the application's own figures, or
//	go http.ListenAndServe("127.0.0.1:9090", m) // on a private address
package metrics
