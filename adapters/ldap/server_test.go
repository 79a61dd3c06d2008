package ldap_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// startServer starts a program that takes calls at the address. It ends with the test, and also if the test is killed:
// a shell keeps it, and ends it when its own input ends.
func startServer(t *testing.T, address string, command ...string) {
	t.Helper()
	keeper := exec.Command("sh", append([]string{"-c", `"$@" & server=$!; read -r _; kill -KILL $server; wait $server`,
		"sh"}, command...)...)
	var said bytes.Buffer
	keeper.Stdout, keeper.Stderr = &said, &said
	input, err := keeper.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, keeper.Start())
	t.Cleanup(func() {
		_ = input.Close()
		_ = keeper.Wait()
		if t.Failed() {
			t.Logf("%s said: %s", filepath.Base(command[0]), said.String())
		}
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, 30*time.Second, 20*time.Millisecond, "%s does not take calls at %s", command[0], address)
}

// writeCertificate puts a certificate for addresses into two files, and returns who vouches for it.
func writeCertificate(t *testing.T, dir string, addresses ...string) (certFile, keyFile string, roots *x509.CertPool) {
	t.Helper()
	var certificate tls.Certificate
	certificate, roots = newCertificate(t, addresses...)
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	require.NoError(t, err)
	certFile, keyFile = filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem")
	leaf := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	require.NoError(t, os.WriteFile(certFile, leaf, 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600))
	return certFile, keyFile, roots
}
