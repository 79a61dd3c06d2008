package ldap

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
)

// Kind is the kind of directory.
type Kind string

// The kinds.
const (
	ActiveDirectory Kind = "Active Directory" // Samba's domain controllers too
	OpenLDAP        Kind = "OpenLDAP"         // and others that have a UUID: FreeIPA, 389 Directory Server, lldap
)

// Config describes the directory. Kind, URLs, BaseDN and Connection are required, and of BindDN and BindTemplate one.
//
// Templates have names in braces where a value goes; whatever is put there is escaped.
type Config struct {
	// Kind says which attributes and filters are the defaults, and how accounts are marked that may not sign in.
	Kind Kind

	// URLs are the directory's servers: "ldaps://dc1.contoso.com", or "ldap://dc1.contoso.com", where StartTLS is
	// required. The first that serves is used, and the one that served last is asked first. No paths.
	URLs []string

	// TLS is the root certificates and the rest. nil: those of the system. The server's name is that of its URL. TLS 1.2
	// is the least, and InsecureSkipVerify is refused.
	TLS *tls.Config

	// InsecureNoTLS sends passwords over ldap:// without StartTLS to addresses of this machine: 127.0.0.1, ::1 and
	// localhost. It is safe there only, for tests. Other addresses are refused with it.
	InsecureNoTLS bool

	// BindDN and BindPassword are the account that searches. It needs to read, and no more. For Active Directory BindDN
	// may be a UPN.
	BindDN, BindPassword string

	// BindTemplate does without that account: people bind first, and the entry is searched in their own name. It is a DN,
	// "uid={name},ou=people,dc=contoso,dc=com", or with Active Directory a UPN, "{name}@contoso.com". Names are ASCII
	// then.
	BindTemplate string

	// BaseDN is below which people are searched.
	BaseDN string

	// UserFilter finds the entry of a person by what they typed: {name}. Empty, for Active Directory, people by
	// sAMAccountName, userPrincipalName or mail; for OpenLDAP, an inetOrgPerson by uid or mail. It must find one entry:
	// two are nobody. What a person can write into their own entry has no place in it.
	UserFilter string

	// Connection is the connection of these people: see [provision.Person].
	Connection string

	// Attributes are where a person's properties are. The zero value: those of Kind.
	Attributes Attributes

	// Groups says which groups people are in, and which they must be in. The zero value asks for none.
	Groups Groups

	// Synced says whom a directory sync owns. nil: nobody.
	Synced *Synced

	// Attempts is how many failed attempts one name has in AttemptsTime, and one entry under all of its names. 0 means 5
	// in 15 minutes; at most 100, and a day. Times the number of processes be below the directory's own limit, or others
	// can lock an account through this form.
	Attempts     int
	AttemptsTime time.Duration

	// FailureTime is how long a failed attempt takes at least, so that it does not say why. 0 means 500 milliseconds; at
	// most 10 seconds. The directory should answer within it.
	FailureTime time.Duration

	// Timeout is how long everything may take that one sign-in asks of the directory. Each server has its share of what is
	// left: of two, the first that is asked has half to find the entry. 0 means 10 seconds; at most a minute.
	Timeout time.Duration

	// Now is the clock of the attempts, of accounts that expire, and of SignedIn.At. nil means time.Now.
	Now func() time.Time

	// Logger receives why somebody could not sign in, and which server does not serve. nil discards it. Passwords are
	// never logged, nor names that nobody has.
	Logger *slog.Logger
}

// Attributes name the attributes of a person's entry. Empty: that of the Kind.
type Attributes struct {
	// ID is who a person is: a UUID that never changes and is never given to somebody else. OpenLDAP: entryUUID, which
	// lldap has too; FreeIPA: set ipaUniqueID. Active Directory: always objectGUID, so leave it empty.
	ID string

	Email       string // mail
	UPN         string // userPrincipalName; OpenLDAP: mail
	DisplayName string // displayName
	GivenName   string // givenName
	Surname     string // sn

	// Claims are further attributes for Person.Claims: the claim's name, and the attribute's. The first value counts.
	// "groups" is taken.
	Claims map[string]string
}

// Groups says which groups people are in. Groups are named by their DNs.
type Groups struct {
	// Required: only members of one of these groups sign in. nil: everybody does.
	Required []string

	// Claim states the DNs of the groups as Person.Claims["groups"], sorted, one in a line. About a hundred fit into the
	// cookies of a sign-in; for more set adapters.Config.Pending, or let Filter find only those that matter.
	Claim bool

	// Nested counts the groups of groups as well, by Active Directory's matching rule 1.2.840.113556.1.4.1941.
	Nested bool

	// Filter finds the groups of a person by the DN of their entry: {dn}. "(member={dn})". At most 1000. Empty: memberOf
	// of the entry says it, which OpenLDAP has with its overlay memberof. Not with Nested.
	Filter string

	// BaseDN is below which groups are searched: those of Filter and Nested, and the primary group, which Active Directory
	// has in a place of its own ("CN=Domain Users,CN=Users,…"). Empty: Config.BaseDN. With a BindTemplate people search
	// themselves.
	BaseDN string
}

// Synced says whom a directory sync, such as Entra Connect, owns: people to whom one of All, Under, Groups and Filter
// applies.
type Synced struct {
	// Connection is theirs in place of Config.Connection: what provision.Rules.SkipConnections names.
	Connection string

	All    bool     // everybody
	Under  []string // entries below one of these DNs: organizational units
	Groups []string // members of one of these groups, as Config.Groups finds them
	Filter string   // entries to which this filter applies, such as "(extensionAttribute1=sync)"

	// Anchor is the attribute that the sync makes the ImmutableID of: of text as it is, of 16 bytes the base64. Empty: for
	// Active Directory mS-DS-ConsistencyGuid and, where that has no value, objectGUID, as Entra Connect does; for OpenLDAP
	// the digits of Attributes.ID.
	Anchor string
}

const (
	defaultAttempts     = 5
	maxAttempts         = 100
	defaultAttemptsTime = 15 * time.Minute
	defaultFailureTime  = 500 * time.Millisecond
	maxFailureTime      = 10 * time.Second
	defaultTimeout      = 10 * time.Second
	maxTimeout          = time.Minute
)

func (cfg Config) withDefaults() Config {
	filter, upn := "(&(objectCategory=person)(objectClass=user)"+
		"(|(sAMAccountName={name})(userPrincipalName={name})(mail={name})))", "userPrincipalName"
	if cfg.Kind == OpenLDAP {
		filter, upn = "(&(objectClass=inetOrgPerson)(|(uid={name})(mail={name})))", "mail"
	}
	if cfg.Kind != ActiveDirectory {
		fill(&cfg.Attributes.ID, "entryUUID")
	}
	fill(&cfg.UserFilter, filter)
	fill(&cfg.Attributes.UPN, upn)
	fill(&cfg.Attributes.Email, "mail")
	fill(&cfg.Attributes.DisplayName, "displayName")
	fill(&cfg.Attributes.GivenName, "givenName")
	fill(&cfg.Attributes.Surname, "sn")
	fill(&cfg.Groups.BaseDN, cfg.BaseDN)
	if cfg.Groups.Nested {
		fill(&cfg.Groups.Filter, nestedFilter)
	}
	fill(&cfg.Attempts, defaultAttempts)
	fill(&cfg.AttemptsTime, defaultAttemptsTime)
	fill(&cfg.FailureTime, defaultFailureTime)
	fill(&cfg.Timeout, defaultTimeout)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return cfg.copied()
}

// copied is the configuration with lists and maps of its own.
func (cfg Config) copied() Config {
	cfg.URLs, cfg.TLS = slices.Clone(cfg.URLs), cfg.TLS.Clone()
	cfg.Attributes.Claims = maps.Clone(cfg.Attributes.Claims)
	cfg.Groups.Required = slices.Clone(cfg.Groups.Required)
	if cfg.Synced != nil {
		s := *cfg.Synced
		s.Under, s.Groups = slices.Clone(s.Under), slices.Clone(s.Groups)
		cfg.Synced = &s
	}
	return cfg
}

// fill gives a value to what has none.
func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// check lists what is wrong. It is called with the defaults.
func (cfg Config) check() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf("ldap: "+format, args...)) }
	if cfg.Kind != ActiveDirectory && cfg.Kind != OpenLDAP {
		add("Kind %q is neither ActiveDirectory nor OpenLDAP", cfg.Kind)
	}
	if len(cfg.URLs) == 0 {
		add("URLs is missing: ldaps://dc1.contoso.com")
	}
	for _, address := range cfg.URLs {
		if err := cfg.checkURL(address); err != nil {
			add("URLs: %w", err)
		}
	}
	if cfg.TLS != nil && cfg.TLS.InsecureSkipVerify {
		add("TLS.InsecureSkipVerify would let anybody read passwords: put the directory's root certificate into TLS.RootCAs")
	}
	if cfg.Connection == "" {
		add("Connection is missing: it is a part of who each person is")
	}
	checkLimit(add, "Attempts", cfg.Attempts, maxAttempts)
	checkLimit(add, "AttemptsTime", cfg.AttemptsTime, 24*time.Hour)
	checkLimit(add, "FailureTime", cfg.FailureTime, maxFailureTime)
	checkLimit(add, "Timeout", cfg.Timeout, maxTimeout)
	cfg.checkBind(add)
	cfg.checkSearches(add)
	cfg.checkSynced(add)
	return errors.Join(errs...)
}

func checkLimit[T int | time.Duration](add func(string, ...any), name string, value, most T) {
	if value < 0 || value > most {
		add("%s %v is not between 0 and %v", name, value, most)
	}
}

func (cfg Config) checkURL(address string) error {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Hostname() == "" || parsed.User != nil || strings.Trim(parsed.Path, "/") != "" ||
		parsed.RawQuery != "" || parsed.Fragment != "" {
		return fmt.Errorf("%q is not ldaps:// or ldap:// with a name and nothing else", address)
	}
	switch {
	case parsed.Scheme != "ldap" && parsed.Scheme != "ldaps":
		return fmt.Errorf("%q is neither ldaps:// nor ldap://", address)
	case cfg.InsecureNoTLS && !isLoopback(parsed.Hostname()):
		return fmt.Errorf("%q is not an address of this machine, and InsecureNoTLS is for those alone", address)
	}
	return nil
}

// isGlobalCatalog reports whether the port is that of a catalog of the whole forest, which has a part of the
// attributes.
func isGlobalCatalog(address string) bool {
	return strings.HasSuffix(address, ":3268") || strings.HasSuffix(address, ":3269")
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (cfg Config) checkBind(add func(string, ...any)) {
	switch {
	case (cfg.BindDN == "") == (cfg.BindTemplate == ""):
		add("one of BindDN and BindTemplate is needed, and not both")
	case cfg.BindDN != "" && cfg.BindPassword == "":
		add("BindPassword is missing: without one a bind is anonymous")
	case cfg.BindDN != "":
		if _, err := goldap.ParseDN(cfg.BindDN); err != nil && !strings.Contains(cfg.BindDN, "@") {
			add("BindDN %q is no DN", cfg.BindDN)
		}
	default:
		cfg.checkBindTemplate(add)
	}
}

func (cfg Config) checkBindTemplate(add func(string, ...any)) {
	if strings.Count(cfg.BindTemplate, "{name}") != 1 {
		add("BindTemplate %q must have {name} once", cfg.BindTemplate)
		return
	}
	_, domain, isUPN := strings.Cut(cfg.BindTemplate, "{name}@")
	switch {
	case isDN(cfg.bindName("name")):
	case isUPN && cfg.Kind == ActiveDirectory && strings.HasPrefix(cfg.BindTemplate, "{name}") && domain != "" &&
		!strings.ContainsAny(domain, "@={} "):
	default:
		add("BindTemplate %q is neither a DN nor, with Active Directory, {name}@ and a domain", cfg.BindTemplate)
	}
}

func isDN(text string) bool {
	dn, err := goldap.ParseDN(text)
	return err == nil && len(dn.RDNs) > 0
}

func (cfg Config) checkSearches(add func(string, ...any)) {
	if !isDN(cfg.BaseDN) {
		add("BaseDN %q is no DN", cfg.BaseDN)
	}
	checkFilter(add, "UserFilter", cfg.UserFilter, "name")
	if cfg.Groups.Filter != "" {
		checkFilter(add, "Groups.Filter", cfg.Groups.Filter, "dn")
	}
	if cfg.Groups.Nested && cfg.Groups.Filter != nestedFilter {
		add("one of Groups.Nested and Groups.Filter is possible, and not both")
	}
	if cfg.Groups.Nested && cfg.Kind != ActiveDirectory {
		add("Groups.Nested is Active Directory's: for others name the groups themselves")
	}
	if !isDN(cfg.Groups.BaseDN) {
		add("Groups.BaseDN %q is no DN", cfg.Groups.BaseDN)
	}
	if cfg.Kind == ActiveDirectory && cfg.Attributes.ID != "" {
		add("Attributes.ID %q cannot be: in Active Directory it is objectGUID", cfg.Attributes.ID)
	}
	for _, name := range cfg.attributes() {
		if !attributeName.MatchString(name) {
			add("%q is no name of an attribute", name)
		}
	}
	checkDNs(add, "Groups.Required", cfg.Groups.Required)
	for claim, attribute := range cfg.Attributes.Claims {
		if claim == "" || claim == claimGroups || attribute == "" {
			add("Attributes.Claims: %q from %q cannot be: a name is empty, or taken", claim, attribute)
		}
	}
}

func (cfg Config) checkSynced(add func(string, ...any)) {
	s := cfg.Synced
	if s == nil {
		return
	}
	if s.Connection == "" || s.Connection == cfg.Connection {
		add("Synced.Connection %q must be another one than Connection: provisioning skips it", s.Connection)
	}
	if !s.All && len(s.Under)+len(s.Groups) == 0 && s.Filter == "" {
		add("Synced applies to nobody: set All, Under, Groups or Filter, or leave it nil")
	}
	if s.Anchor == "" && cfg.Kind == ActiveDirectory && slices.ContainsFunc(cfg.URLs, isGlobalCatalog) {
		add("Synced needs mS-DS-ConsistencyGuid, which a global catalog does not have: " +
			"use the ports 389 or 636, or set Synced.Anchor")
	}
	checkDNs(add, "Synced.Under", s.Under)
	checkDNs(add, "Synced.Groups", s.Groups)
	if s.Filter != "" {
		checkFilter(add, "Synced.Filter", s.Filter, "")
	}
}

// attributeName is what RFC 4512, section 1.4, calls a descr, or a numericoid.
var attributeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,254}$`)

func checkDNs(add func(string, ...any), name string, list []string) {
	for _, text := range list {
		if !isDN(text) {
			add("%s: %q is no DN", name, text)
		}
	}
}
