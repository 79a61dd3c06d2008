package ldap_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/certtest"
)

const startTLS = "1.3.6.1.4.1.1466.20037"

// scripted is a directory of a few entries, which a test can make misbehave.
type scripted struct {
	t           *testing.T
	address     string
	certificate tls.Certificate
	roots       *x509.CertPool

	mu       sync.Mutex
	entries  []entry
	binds    []bind
	filters  []string
	searches int
	silent   chan struct{} // gets a word whenever it begins to say nothing

	down      bool
	noTLS     bool                                      // StartTLS is stripped
	plain     func(net.Conn)                            // answers in place of the directory
	onSearch  func(id int64, base string) []*ber.Packet // answers a search; nil: as a directory does
	raw       []byte                                    // the answer to a search, and the end
	rawBind   []byte                                    // the answer to a bind, and the end
	immediate bool                                      // TLS from the start
	hangAt    string                                    // the DN whose bind, or "search", which gets no answer
	onBind    func(id int64, b bind) *ber.Packet        // answers a bind; nil: as a directory does
}

type entry struct {
	dn         string
	password   string
	refusal    string // Active Directory's word on a bind
	attributes map[string][]string
}

type bind struct {
	dn, password string
	encrypted    bool
}

func newScripted(t *testing.T, entries ...entry) *scripted {
	t.Helper()
	s := &scripted{t: t, entries: entries, silent: make(chan struct{}, 100)}
	s.certificate, s.roots = newCertificate(t, "127.0.0.1")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.address = listener.Addr().String()
	var open sync.WaitGroup
	t.Cleanup(func() { require.NoError(t, listener.Close()); open.Wait() })
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { s.serve(conn) })
		}
	})
	return s
}

// newCertificate returns a certificate for addresses, and who vouches for it.
func newCertificate(t *testing.T, addresses ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	leaf := certtest.SelfSigned(key, "directory", time.Now().Add(-time.Hour), time.Now().Add(time.Hour),
		func(c *x509.Certificate) {
			c.IsCA, c.BasicConstraintsValid = true, true
			c.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign
			for _, address := range addresses {
				c.IPAddresses = append(c.IPAddresses, net.ParseIP(address))
			}
		})
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}, roots
}

func (s *scripted) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// bound are all binds of an entry.
func (s *scripted) bound(dn string) []bind {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []bind
	for _, b := range s.binds {
		if strings.EqualFold(b.dn, dn) {
			found = append(found, b)
		}
	}
	return found
}

func (s *scripted) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	s.mu.Lock()
	down, plain, immediate := s.down, s.plain, s.immediate
	s.mu.Unlock()
	switch {
	case down:
		return
	case plain != nil:
		plain(conn)
		return
	}
	encrypted := immediate
	if immediate {
		conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{s.certificate}})
	}
	for {
		request, err := ber.ReadPacket(conn)
		if err != nil || len(request.Children) < 2 {
			return
		}
		id, _ := request.Children[0].Value.(int64)
		operation := request.Children[1]
		switch operation.Tag {
		case goldap.ApplicationUnbindRequest:
			return
		case goldap.ApplicationExtendedRequest:
			code := s.extended(operation)
			s.send(conn, result(id, goldap.ApplicationExtendedResponse, code, ""))
			if code == 0 {
				conn, encrypted = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{s.certificate}}), true
			}
		case goldap.ApplicationBindRequest:
			b := bind{operation.Children[1].Data.String(), operation.Children[2].Data.String(), encrypted}
			answer := s.bind(id, b)
			if s.rawBind != nil {
				_, _ = conn.Write(s.rawBind)
				return
			}
			if s.hangs(b.dn) {
				s.silence(conn)
				return
			}
			s.send(conn, answer)
		case goldap.ApplicationSearchRequest:
			if s.raw != nil {
				_, _ = conn.Write(s.raw)
				return
			}
			answer := s.search(id, operation)
			if s.hangs("search") {
				s.silence(conn)
				return
			}
			s.send(conn, answer...)
		}
	}
}

func (s *scripted) send(conn net.Conn, packets ...*ber.Packet) {
	for _, packet := range packets {
		if _, err := conn.Write(packet.Bytes()); err != nil {
			return
		}
	}
}

func message(id int64, operation *ber.Packet) *ber.Packet {
	packet := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	packet.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	packet.AppendChild(operation)
	return packet
}

func octets(text string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, text, "")
}

func result(id int64, tag ber.Tag, code uint16, text string) *ber.Packet {
	operation := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tag, nil, "")
	operation.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, int64(code), ""))
	operation.AppendChild(octets(""))
	operation.AppendChild(octets(text))
	return message(id, operation)
}

func found(id int64, e entry) *ber.Packet {
	operation := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationSearchResultEntry, nil, "")
	operation.AppendChild(octets(e.dn))
	attributes := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	for name, values := range e.attributes {
		attribute := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
		attribute.AppendChild(octets(name))
		set := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "")
		for _, value := range values {
			set.AppendChild(octets(value))
		}
		attribute.AppendChild(set)
		attributes.AppendChild(attribute)
	}
	operation.AppendChild(attributes)
	return message(id, operation)
}

func (s *scripted) extended(operation *ber.Packet) uint16 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.noTLS || operation.Children[0].Data.String() != startTLS {
		return goldap.LDAPResultProtocolError
	}
	return 0
}

// silence takes what comes and says nothing.
func (s *scripted) silence(conn net.Conn) {
	s.silent <- struct{}{}
	_, _ = io.Copy(io.Discard, conn)
}

func (s *scripted) hangs(at string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hangAt != "" && strings.EqualFold(s.hangAt, at)
}

func (s *scripted) bind(id int64, b bind) *ber.Packet {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.binds = append(s.binds, b)
	if s.onBind != nil {
		if answer := s.onBind(id, b); answer != nil {
			return answer
		}
	}
	code, text := s.verdict(b)
	return result(id, goldap.ApplicationBindResponse, code, text)
}

// verdict says yes to an empty password, as directories do.
func (s *scripted) verdict(b bind) (uint16, string) {
	if b.password == "" {
		return 0, ""
	}
	for _, e := range s.entries {
		upn := slices.Contains(e.attributes["userPrincipalName"], b.dn)
		if !strings.EqualFold(e.dn, b.dn) && !upn || e.password != b.password {
			continue
		}
		if e.refusal != "" {
			return goldap.LDAPResultInvalidCredentials,
				"80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data " +
					e.refusal + ", v4563"
		}
		return 0, ""
	}
	return goldap.LDAPResultInvalidCredentials,
		"80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 52e, v4563"
}

func (s *scripted) search(id int64, operation *ber.Packet) []*ber.Packet {
	s.mu.Lock()
	defer s.mu.Unlock()
	base, filter := operation.Children[0].Data.String(), operation.Children[6]
	text, _ := goldap.DecompileFilter(filter)
	s.filters = append(s.filters, text)
	s.searches++
	if s.onSearch != nil {
		if answer := s.onSearch(id, base); answer != nil {
			return answer
		}
	}
	scope, _ := operation.Children[1].Value.(int64)
	var answer []*ber.Packet
	for _, e := range s.entries {
		below := strings.HasSuffix(strings.ToLower(e.dn), strings.ToLower(base))
		if scope == goldap.ScopeBaseObject {
			below = strings.EqualFold(e.dn, base)
		}
		if below && e.matches(filter) {
			answer = append(answer, found(id, e))
		}
	}
	return append(answer, result(id, goldap.ApplicationSearchResultDone, 0, ""))
}

func (e entry) values(name string) []string {
	for attribute, values := range e.attributes {
		if strings.EqualFold(attribute, name) {
			return values
		}
	}
	return nil
}

func (e entry) matches(filter *ber.Packet) bool {
	matches := func(f *ber.Packet) bool { return e.matches(f) }
	switch filter.Tag {
	case goldap.FilterAnd:
		return !slices.ContainsFunc(filter.Children, func(f *ber.Packet) bool { return !e.matches(f) })
	case goldap.FilterOr:
		return slices.ContainsFunc(filter.Children, matches)
	case goldap.FilterPresent:
		return len(e.values(filter.Data.String())) > 0
	case goldap.FilterEqualityMatch:
		wanted := filter.Children[1].Data.String()
		return slices.ContainsFunc(e.values(filter.Children[0].Data.String()),
			func(v string) bool { return strings.EqualFold(v, wanted) })
	case goldap.FilterExtensibleMatch: // the nested groups
		return slices.ContainsFunc(e.values("nested"), func(v string) bool { return v == filter.Children[2].Data.String() })
	}
	return false
}

func (s *scripted) allBinds() []bind {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.binds)
}

// asked are the filters of all searches.
func (s *scripted) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.filters)
}

func (s *scripted) searched() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.searches
}
