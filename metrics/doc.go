// Package metrics counts what happens and shows it in the text format of
// Prometheus (version 0.0.4), which every collector of metrics reads.
//
// It owns the names and labels of the figures. Labels hold methods, channels,
// outcomes and patterns of routes: never an account, an address, a path as it
// was asked for, or anything secret, so the figures may be kept for long and
// their number is bounded.
//
//	m := metrics.New()
//	auth, err := twofold.New(twofold.Config{OnEvent: m.OnEvent, OnSend: m.OnSend, ...})
//	m.Watch(auth)
//	go http.ListenAndServe("127.0.0.1:9090", m) // apart from what the public reaches
package metrics
