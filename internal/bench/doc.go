// Bench measures what it costs to issue one response to Entra: with this library, with goxmldsig and with
// crewjam/saml, beside the floor, which is the RSA signature and nothing else.
//
//	go run ./internal/bench
//	go run ./internal/bench -rounds 31 -time 1s
//	go run ./internal/bench -json
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
// This is a module of its own, so that nobody who uses entrafed downloads what it is compared with.
package main
