package entratest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"sync"
	"time"
)

// requestKey is a key that signs what the simulated tenant sends to identity providers.
type requestKey struct {
	private     *rsa.PrivateKey
	certificate *x509.Certificate
}

// Which of the two keys is which.
const (
	keyInUse = iota
	keyNext
)

// RequestCertificates returns the certificates of the keys that sign the tenant's requests: first the one in use, then
// the one that [RequestOptions.NextKey] uses. They are what a host pins, for example as saml.Config.RequestCertificates,
// and what the metadata at [entrafed.Cloud.Metadata] shows. Each has a subject key identifier, by which a signed request
// names its key.
//
// The keys are made when they are first needed, which takes some tenths of a second, and follow from Config.Seed:
// whoever knows the Seed can sign with them.
func (t *Tenant) RequestCertificates() []*x509.Certificate {
	keys, err := t.allRequestKeys()
	if err != nil {
		t.cfg.Logger.Error("the keys of the simulation cannot be made", "error", err)
		return nil
	}
	return []*x509.Certificate{keys[keyInUse].certificate, keys[keyNext].certificate}
}

// requestKeys are the keys, each made at its first use.
type requestKeys [2]func() (requestKey, error)

func (t *Tenant) newRequestKeys() requestKeys {
	var keys requestKeys
	for i := range keys {
		keys[i] = sync.OnceValues(func() (requestKey, error) { return t.newRequestKey(i) })
	}
	return keys
}

func (t *Tenant) allRequestKeys() ([]requestKey, error) {
	var all []requestKey
	for _, key := range t.requestKeys {
		k, err := key()
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, nil
}

// requestKeyBits is the size of Entra's keys.
const requestKeyBits = 2048

func (t *Tenant) newRequestKey(which int) (requestKey, error) {
	private := newDice(t.cfg.Seed, streamRequestKey+uint64(which)).rsaKey(requestKeyBits)
	certificate, err := t.certifyRequestKey(private, int64(which)+1)
	if err != nil {
		return requestKey{}, fmt.Errorf("entratest: a key for requests: %w", err)
	}
	return requestKey{private, certificate}, nil
}

// certifyRequestKey makes a certificate like those in Entra's metadata: that name, valid for five years, and nothing
// more in it than the identifier of the key.
func (t *Tenant) certifyRequestKey(private *rsa.PrivateKey, serial int64) (*x509.Certificate, error) {
	identifier := sha1.Sum(x509.MarshalPKCS1PublicKey(&private.PublicKey)) // RFC 5280 section 4.2.1.2
	from := time.Date(t.now().UTC().Year()-1, time.January, 1, 0, 0, 0, 0, time.UTC)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: "Live ID STS Signing Public Key"},
		NotBefore:    from, NotAfter: from.AddDate(5, 0, 0),
		SubjectKeyId:       identifier[:],
		SignatureAlgorithm: x509.SHA256WithRSA,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// rsaKey makes a key that follows from the dice. The standard library's generator takes its own randomness, so that
// nobody can know the key; here everybody shall, so that two tenants of one Seed sign alike.
func (d *dice) rsaKey(bits int) *rsa.PrivateKey {
	const exponent = 65537
	one := big.NewInt(1)
	for {
		p, q := d.prime(bits/2), d.prime(bits/2)
		totient := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		secret := new(big.Int).ModInverse(big.NewInt(exponent), totient)
		if p.Cmp(q) == 0 || secret == nil {
			continue
		}
		key := &rsa.PrivateKey{
			PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: exponent}, D: secret, Primes: []*big.Int{p, q},
		}
		key.Precompute()
		if key.Validate() == nil {
			return key
		}
	}
}

// prime returns a prime of exactly so many bits, a multiple of 8. The product of two has twice as many. It looks upwards
// from a number of the dice; primes are dense enough that the search does not leave the range.
func (d *dice) prime(bits int) *big.Int {
	raw := make([]byte, bits/8)
	d.fill(raw)
	raw[0] |= 0xc0
	raw[len(raw)-1] |= 1
	start := new(big.Int).SetBytes(raw)
	for _, offset := range sieve(start) {
		candidate := new(big.Int).Add(start, big.NewInt(int64(offset)))
		if candidate.ProbablyPrime(0) {
			return candidate
		}
	}
	return d.prime(bits)
}

// sieve returns the even offsets from an odd start that no small number divides, so that few are left for the real test.
func sieve(start *big.Int) (offsets []int) {
	const reach, small = 1 << 14, 1 << 13
	divisible := make([]bool, reach)
	remainder := new(big.Int)
	for p := 3; p < small; p += 2 {
		first := p - int(remainder.Mod(start, big.NewInt(int64(p))).Int64())
		for at := first % p; at < reach; at += p {
			divisible[at] = true
		}
	}
	for at := 0; at < reach; at += 2 {
		if !divisible[at] {
			offsets = append(offsets, at)
		}
	}
	return offsets
}
