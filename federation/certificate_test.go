package federation_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
)

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "plan", name))
	require.NoError(t, err)
	return raw
}

func TestACertificateIsReadAsPEMOrDER(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string][]byte{
		"PEM":                     armoured(signing()),
		"PEM with text around it": append([]byte("subject=CN = signing\n\n"), append(armoured(signing()), "\nend\n"...)...),
		"PEM of Windows":          bytes.ReplaceAll(armoured(signing()), []byte("\n"), []byte("\r\n")),
		"DER":                     signing().Raw,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			certificate, err := federation.ReadCertificate(raw)
			require.NoError(t, err)
			require.True(t, certificate.Equal(signing()))
		})
	}
}

func TestWhatIsNotOneCertificateIsRefused(t *testing.T) {
	t.Parallel()
	pkcs1 := x509.MarshalPKCS1PrivateKey(rsaKey())
	for name, c := range map[string]struct {
		raw  []byte
		says string
	}{
		"nothing":                        {nil, "no certificate"},
		"blanks":                         {[]byte(" \n"), "no certificate"},
		"words":                          {[]byte("contoso"), "neither"},
		"two":                            {append(armoured(signing()), armoured(other())...), "more than one"},
		"one, and half of another":       {append(armoured(signing()), armoured(other())[:200]...), "neither"},
		"a private key":                  {pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: pkcs1}), "private key"},
		"a private key as DER":           {pkcs1, "private key"},
		"one, and an encrypted key":      {append(armoured(signing()), "-----BEGIN ENCRYPTED PRIVATE KEY-----"...), "private key"},
		"a certificate request":          {pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST"}), "CERTIFICATE REQUEST"},
		"PEM of something else":          {pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), "neither"},
		"DER with something after it":    {append(bytes.Clone(signing().Raw), 0), "neither"},
		"more than any certificate has":  {make([]byte, 64<<10+1), "65536"},
		"base64 that nothing stands for": {[]byte(bare(signing())), "neither"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := federation.ReadCertificate(c.raw)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestACertificateInALine(t *testing.T) {
	t.Parallel()
	info := federation.NewCertificateInfo(signing())
	require.Equal(t, "CN=signing", info.Subject)
	require.Len(t, info.SHA256, 64)
	require.Equal(t, "CN=signing, SHA-256 "+info.SHA256+", valid from 2026-03-01 to 2028-03-01", info.String())

	info.Subject = "CN=a\x1b[31m"
	require.True(t, strings.HasPrefix(info.String(), "CN=a?[31m, "))
	info.Subject = ""
	require.True(t, strings.HasPrefix(info.String(), "without a subject, "))
}

func FuzzReadCertificate(f *testing.F) {
	f.Add(armoured(signing()))
	f.Add(signing().Raw)
	f.Add(append(armoured(signing()), armoured(other())...))
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nX: y\n\nMIIE\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		certificate, err := federation.ReadCertificate(raw)
		if err != nil {
			require.Nil(t, certificate)
			return
		}
		require.NotContains(t, federation.NewCertificateInfo(certificate).String(), "\n")
		again, err := federation.ReadCertificate(certificate.Raw)
		require.NoError(t, err)
		require.True(t, certificate.Equal(again))
		require.False(t, bytes.Contains(raw, []byte("PRIVATE KEY")) && !bytes.Equal(raw, certificate.Raw))
	})
}
