// Package hsmtest shows that the key which signs for a domain may live inside a hardware security module and never
// leave it. The tests make a token of SoftHSM, the HSM in software, generate an RSA-2048 key pair inside it through
// PKCS#11, and issue responses with it.
//
// All that package saml wants is a crypto.Signer that is safe for concurrent use. The one here, in signer_test.go,
// has what such a signer needs: the DigestInfo that CKM_RSA_PKCS signs, and sessions that no two signatures share.
//
// The tests need SoftHSM (Debian's package softhsm2) and cgo with a C compiler, and are skipped without them. The
// module is looked for where distributions put it; SOFTHSM2_MODULE names another place.
//
//	go test ./internal/hsmtest
//
// # Dependencies
//
// PKCS#11 is reached through github.com/miekg/pkcs11, a thin layer over the C interface that depends on nothing. The
// tests call that interface in any case, to make the token and to look at the attributes of the key. A ready-made
// crypto.Signer is github.com/ThalesGroup/crypto11, which stands on the same layer; a host may pass its keys to
// package saml as they are. It is not used here, as it would replace one short file, cannot make a token, and brings
// two more dependencies, one of which, github.com/pkg/errors, is archived.
//
// This is a module of its own, so that nobody who uses entrafed needs cgo.
package hsmtest
