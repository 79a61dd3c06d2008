package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/entrafed/entrafed/examples/internal/demonstration"
	"github.com/entrafed/entrafed/examples/internal/document"
	"github.com/entrafed/entrafed/examples/internal/sqlite"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/provision/sqlstore"
	"github.com/entrafed/entrafed/saml"
)

// state is what outlives the program: with -state everything in a folder, else nothing.
type state struct {
	dir    string // empty: nothing is kept
	signer saml.Signer
	secret []byte
	people provision.Store
	close  func() error
}

// The files in the folder.
const (
	fileSigner = "signer.pem"  // the certificate and the key
	fileSecret = "secret"      // of the bridge
	fileTenant = "tenant.json" // the users of the simulated tenant
	filePeople = "people.db"   // SQLite: who was promised which account, and how far that is
)

// openState opens the folder, or makes it.
func openState(ctx context.Context, dir string) (*state, error) {
	if dir == "" {
		signer, err := demonstration.ThrowAwaySigner(time.Now())
		return &state{
			signer: signer, secret: newSecret(), people: provision.NewMemoryStore(), close: func() error { return nil },
		}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("-state: %w", err)
	}
	s := &state{dir: dir}
	return s, errors.Join(s.openSigner(), s.openSecret(), s.openPeople(ctx))
}

func (s *state) openPeople(ctx context.Context) error {
	db, err := sqlite.Open(filepath.Join(s.dir, filePeople))
	if err != nil {
		return err
	}
	s.close = db.Close
	s.people, err = sqlstore.New(ctx, sqlstore.Config{DB: db, Dialect: sqlstore.SQLite})
	return err
}

func newSecret() []byte {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails: it would end the program
	return secret
}

func (s *state) openSecret() (err error) {
	s.secret, err = s.keep(fileSecret, func() ([]byte, error) { return newSecret(), nil })
	return err
}

// openSigner reads the key, or makes one.
func (s *state) openSigner() error {
	content, err := s.keep(fileSigner, func() ([]byte, error) {
		signer, err := demonstration.ThrowAwaySigner(time.Now())
		if err != nil {
			return nil, err
		}
		return encodeSigner(signer)
	})
	if err == nil {
		s.signer, err = decodeSigner(content)
	}
	return err
}

// keep reads a file, or makes it with what fresh returns.
func (s *state) keep(name string, fresh func() ([]byte, error)) ([]byte, error) {
	path := filepath.Join(s.dir, name)
	content, err := os.ReadFile(path)
	if !errors.Is(err, os.ErrNotExist) {
		return content, err
	}
	if content, err = fresh(); err != nil {
		return nil, err
	}
	return content, document.ReplaceFile(path, content)
}

func encodeSigner(signer saml.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(signer.Key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signer.Certificate.Raw}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...), nil
}

func decodeSigner(content []byte) (signer saml.Signer, err error) {
	damaged := fmt.Errorf("%s is damaged: remove the folder and start anew", fileSigner)
	certificate, rest := pem.Decode(content)
	key, _ := pem.Decode(rest)
	if certificate == nil || key == nil {
		return signer, damaged
	}
	if signer.Certificate, err = x509.ParseCertificate(certificate.Bytes); err != nil {
		return signer, damaged
	}
	parsed, err := x509.ParsePKCS8PrivateKey(key.Bytes)
	private, ok := parsed.(*rsa.PrivateKey)
	if err != nil || !ok {
		return signer, damaged
	}
	signer.Key = private
	return signer, nil
}

// users are those whom the tenant had when it was saved last, or, the first time, the residents.
func (s *state) users(residents []entratest.User) ([]entratest.User, error) {
	if s.dir == "" {
		return residents, nil
	}
	var users []entratest.User
	err := document.Read(filepath.Join(s.dir, fileTenant), &users)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return residents, nil
	case errors.Is(err, os.ErrPermission):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%s is damaged: remove the folder and start anew: %w", fileTenant, err)
	}
	return users, nil
}

// saveTenant writes down whom the tenant has, as a real one would.
func (s *state) saveTenant(tenant *entratest.Tenant) error {
	if s.dir == "" {
		return nil
	}
	return document.Replace(filepath.Join(s.dir, fileTenant), tenant.Users())
}

// unfinished are the people whose provisioning was begun and not finished, by an earlier run of the program.
func (s *state) unfinished(ctx context.Context, actors []actor) (begun []actor, err error) {
	for _, a := range actors {
		rec, err := s.people.Load(ctx, a.Person.Key())
		switch {
		case errors.Is(err, provision.ErrNoRecord):
		case err != nil:
			return nil, err
		case rec.ReadyAt.IsZero():
			begun = append(begun, a)
		}
	}
	return begun, nil
}
