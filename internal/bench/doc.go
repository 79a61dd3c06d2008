// Bench measures what it costs to issue one response to Entra: with this library, with goxmldsig and with
// crewjam/saml, beside the floor, which is the RSA signature and nothing else.
//
//	go run ./internal/bench
//	go run ./internal/bench -rounds 31 -time 1s
//	go run ./internal/bench -json
//
// With -provision it measures the provisioning pipeline instead, in virtual time: see package pipeline and bench -h.
//
//	go run ./internal/bench -provision
//	go run ./internal/bench -provision -people 3000 -json
//
// # What is compared
//
// Every path begins at a request that was parsed and ends at the value of the form field SAMLResponse. All paths use
// one RSA-2048 key with SHA-256, and state the same facts about the same person; the tests verify what each of them
// issues.
//
//   - floor: [rsa.SignPKCS1v15] over 32 bytes. Nobody who signs with that key can be faster.
//   - ours: [saml.IdentityProvider.Respond] and [saml.Response.SAMLResponse].
//   - goxmldsig: the same document as a tree of etree, the assertion signed in place, serialised, base64. The
//     signature is put where the schema wants it without the copy that goxmldsig's SignEnveloped would make.
//   - crewjam: MakeAssertion, MakeResponse and PostBinding, as its ServeIDPInitiated calls them, told to use SHA-256.
//     Its only public way to a form signs twice, assertion and response, and adds attributes that nobody asked for.
//   - read: [saml.IdentityProvider.ParseAuthnRequest] of an unsigned request. It stands beside the others to be seen,
//     not to be compared.
//
// Each path is measured in three modes: serial, one after the other; parallel, on all cores; and free, serial with a
// key that signs at no cost, which leaves the XML. There is no floor in the mode free, as nothing would be left of
// it.
//
// # How
//
// Machines are shared and change their speed, so only ratios of measurements made at nearly the same moment mean
// anything. One run goes through all cells in turn, round after round. Each round gives one ratio per cell, to the
// floor of the same mode and round; in the mode free to crewjam. What is printed is the median over the rounds, and
// the smallest and the largest one; where those are far apart, the machine was busy.
//
// Allocations are counted over the whole process while a cell runs, as package testing does it.
//
// # JSON
//
// With -json the result is one object:
//
//	{"rows":[{"name":"ours","mode":"serial","ns":750123,"ratio":1.0081,"bytes":27538,"allocs":37}, …]}
//
// name is floor, ours, goxmldsig, crewjam or read; mode is serial, parallel or free. ns are nanoseconds of wall time
// per operation; in the mode parallel that is the time in which all cores together complete one. ratio is to the
// floor of the same mode, in the mode free to crewjam; bytes and allocs are per operation. There is no row of floor
// in the mode free, and one of read, in the mode serial.
//
// With -provision as well the object is another one; times are in seconds, rates in people a second of virtual time:
//
//	{"bulk":{"ours":18.95,"naive":6.33,"ceiling":19.05},
//	 "signin_during_bulk":{"median_ratio":1,"p99_ratio":0.87},
//	 "ready_after_lag":[{"lag_s":1,"extra_median_s":1.49}, …],
//	 "stream":{"people":1000000,"heap_mib":9.38}}
//
// This is a module of its own, so that nobody who uses entrafed downloads what it is compared with.
package main
