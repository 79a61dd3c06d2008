package main

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/entrafed/entrafed/examples/internal/document"
	"github.com/entrafed/entrafed/examples/internal/recording"
)

// summary is summary.json.
type summary struct {
	Person      string             `json:"person"`
	Issuer      string             `json:"issuer"`
	ImmutableID string             `json:"immutable_id"`
	UPN         string             `json:"upn"`
	Accepted    bool               `json:"accepted"`
	Steps       map[string]float64 `json:"steps_ms"` // milliseconds per step
	Error       string             `json:"error,omitempty"`
}

func summarise(w *world, out outcome, diary *diary) summary {
	s := summary{Person: out.person, Issuer: w.issuer, ImmutableID: out.immutableID, UPN: out.upn, Accepted: out.err == nil,
		Steps: map[string]float64{}}
	for _, step := range diary.all() {
		s.Steps[step.Name] = step.Milliseconds
	}
	if out.err != nil {
		s.Error = out.err.Error()
	}
	return s
}

// openDump makes the folder, and begins the record of what is said to Graph. Without a folder there is none.
func openDump(dir string) (*recording.Log, error) {
	if dir == "" {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return recording.Create(filepath.Join(dir, "graph.jsonl"))
}

// dump writes what passed between the parties, for other tools to look at.
func (w *world) dump(dir string, out outcome, diary *diary) error {
	key, err := x509.MarshalPKCS8PrivateKey(w.signer.Key)
	if err != nil {
		return err
	}
	var summary bytes.Buffer
	if err := document.Print(&summary, summarise(w, out, diary)); err != nil {
		return err
	}
	request, err := decoded("AuthnRequest", out.authnRequest)
	response, err2 := decoded("Response", out.samlResponse)
	errs := []error{err, err2}
	for _, file := range []struct {
		name    string
		content []byte
		mode    os.FileMode
	}{
		{"authnrequest.xml", request, 0o644},
		{"response.xml", response, 0o644},
		{"samlresponse.b64", []byte(out.samlResponse), 0o644},
		{"idp-cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.signer.Certificate.Raw}), 0o644},
		{"idp-key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600},
		{"metadata.xml", w.metadata, 0o644},
		{"summary.json", summary.Bytes(), 0o644},
	} {
		errs = append(errs, write(filepath.Join(dir, file.name), file.content, file.mode))
	}
	return errors.Join(errs...)
}

// decoded takes the base64 off a message; a sign-in that stopped early has none.
func decoded(name, message string) ([]byte, error) {
	document, err := base64.StdEncoding.DecodeString(message)
	if err != nil {
		return nil, fmt.Errorf("the %s is not base64: %w", name, err)
	}
	return document, nil
}

// write replaces a file, also one that was there with a wider mode. Empty content removes it.
func write(path string, content []byte, mode os.FileMode) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if len(content) == 0 {
		return nil
	}
	return os.WriteFile(path, content, mode)
}
