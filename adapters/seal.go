package adapters

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// sealer encrypts and authenticates what a browser keeps for the Bridge: AES-256-GCM with a key derived from the
// configured secret. What was sealed for one purpose and one sign-in cannot be opened for another.
type sealer struct {
	aead cipher.AEAD
	rand io.Reader
	now  func() time.Time
}

const minSecret = 32 // bytes

func newSealer(secret []byte, random io.Reader, now func() time.Time) (*sealer, error) {
	if len(secret) < minSecret {
		return nil, fmt.Errorf("the secret has %d bytes: give at least %d random ones, the same on every replica",
			len(secret), minSecret)
	}
	if !slices.ContainsFunc(secret, func(b byte) bool { return b != 0 }) {
		return nil, errors.New("the secret is nothing but zeros: it was never filled with random bytes")
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "entrafed adapters sign-in state v1", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &sealer{aead, random, now}, err
}

type envelope struct {
	Expires int64           `json:"e"` // Unix time
	Value   json.RawMessage `json:"v"`
}

var (
	errSealBroken  = errors.New("the state was not sealed by this Bridge for this sign-in")
	errSealExpired = errors.New("the sign-in was begun too long ago")
)

func (s *sealer) seal(context string, value any, lifetime time.Duration) (string, error) {
	content, err := marshal(value)
	if err != nil {
		return "", err
	}
	plain, err := marshal(envelope{s.now().Add(lifetime).Unix(), content})
	if err != nil {
		return "", err
	}
	nonce := make([]byte, s.aead.NonceSize())
	if _, err := io.ReadFull(s.rand, nonce); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nonce, nonce, plain, []byte(context))), nil
}

func (s *sealer) open(context, sealed string, value any) error {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil || len(raw) < s.aead.NonceSize() {
		return errSealBroken
	}
	nonce, box := raw[:s.aead.NonceSize()], raw[s.aead.NonceSize():]
	plain, err := s.aead.Open(nil, nonce, box, []byte(context))
	if err != nil {
		return errSealBroken
	}
	var e envelope
	if err := json.Unmarshal(plain, &e); err != nil {
		return errSealBroken
	}
	if s.now().Unix() >= e.Expires {
		return errSealExpired
	}
	return json.Unmarshal(e.Value, value)
}

// marshal is json.Marshal without its escapes for HTML, which would swell a RelayState.
func marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return b.Bytes(), err
}
