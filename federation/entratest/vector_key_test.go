package entratest_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/certtest"
)

// The keys that sign the vectors are in the repository, so that anybody can make the vectors again. They are worth
// nothing.

const (
	vectorFolder = "testdata/vectors"
	keyFolder    = vectorFolder + "/keys"
)

var update = flag.Bool("update", false, "write the vectors, and the keys that are missing, instead of comparing")

// throwaway is a key with its certificates.
type throwaway struct {
	name         string
	bits         int
	certificates []throwawayCertificate
}

// throwawayCertificate is one of a key's certificates. Without a suffix it is the one that is in use.
type throwawayCertificate struct {
	suffix      string
	from, until time.Time
}

func throwaways() []throwaway {
	usual := throwawayCertificate{"", morning().AddDate(-1, 0, 0), morning().AddDate(1, 0, 0)}
	expired := throwawayCertificate{"-expired", morning().AddDate(-2, 0, 0), morning().AddDate(0, 0, -1)}
	return []throwaway{
		{"contoso", 2048, []throwawayCertificate{usual, expired}},
		{"contoso-next", 2048, []throwawayCertificate{usual}},
		{"fabrikam", 2048, []throwawayCertificate{usual}},
		{"rogue", 2048, []throwawayCertificate{usual}},
		{"short", 1024, []throwawayCertificate{usual}},
		{"partner", 2048, []throwawayCertificate{usual}},
	}
}

func keyFile(name string) string { return filepath.Join(keyFolder, "throwaway-"+name+".key") }

func certificateFile(name string) string { return filepath.Join(keyFolder, "throwaway-"+name+".crt") }

const keyComment = `This private key is public. It was made for the test vectors beside it, it signs them and nothing
else, and nothing trusts it. Do not use it for anything.

`

const certificateComment = "A certificate for the test vectors. Its private key is public: do not trust it.\n\n"

// throwawayKey reads a key of the vectors. It panics where a test has no way to fail.
func throwawayKey(name string) signingKey {
	key, err := readKey(name)
	if err != nil {
		panic(fmt.Sprintf("%v: make it with go test -run TestVectorKeys -update", err))
	}
	return signingKey{key, throwawayCertificateOf(name)}
}

func readKey(name string) (*rsa.PrivateKey, error) {
	der, err := readPEM(keyFile(name))
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	return key.(*rsa.PrivateKey), nil
}

func throwawayCertificateOf(name string) *x509.Certificate {
	der, err := readPEM(certificateFile(name))
	if err != nil {
		panic(fmt.Sprintf("%v: make it with go test -run TestVectorKeys -update", err))
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return certificate
}

func readPEM(file string) ([]byte, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("%s is no PEM", file)
	}
	return block.Bytes, nil
}

// TestVectorKeys makes keys that are missing, and the certificates of all of them, which follow from the keys.
func TestVectorKeys(t *testing.T) {
	if *update {
		require.NoError(t, os.MkdirAll(keyFolder, 0o755))
	}
	for _, k := range throwaways() {
		key, err := readKey(k.name)
		if *update && errors.Is(err, fs.ErrNotExist) {
			key, err = makeKey(k)
		}
		require.NoError(t, err)
		require.Equal(t, k.bits, key.N.BitLen())
		for _, c := range k.certificates {
			compareOrWrite(t, certificateFile(k.name+c.suffix),
				certificatePEM(certtest.SelfSigned(key, "throw-away "+k.name+c.suffix, c.from, c.until)))
		}
	}
	compareOrWrite(t, certificateFile("entra"), certificatePEM(vectorTenant(t).RequestCertificates()[0]))
}

func makeKey(k throwaway) (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, k.bits)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := append([]byte(keyComment), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...)
	return key, os.WriteFile(keyFile(k.name), text, 0o644)
}

func certificatePEM(c *x509.Certificate) []byte {
	return append([]byte(certificateComment), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
}

// compareOrWrite is the golden-file comparison.
func compareOrWrite(t testing.TB, file string, content []byte) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, content, 0o644))
		return
	}
	stored, err := os.ReadFile(file)
	require.NoError(t, err, "make it with go test -run Vector -update")
	require.True(t, bytes.Equal(stored, content),
		"%s is not what is generated now: look why, then go test -run Vector -update", file)
}

// vectorTenant makes the requests among the vectors.
func vectorTenant(t testing.TB) *world {
	return newWorld(t, func(c *entratest.Config) { c.Seed = 41 })
}
