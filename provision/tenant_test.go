package provision_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

const (
	standardSKU = "f245ecc8-75af-4f8e-b61f-27d8114de5f3"
	basicSKU    = "3b555118-da6a-4418-894f-7df1e2096870"
)

// tenant is a scripted directory in memory. Uniqueness is enforced on its primary; reads may lag.
type tenant struct {
	now func() time.Time

	mu        sync.Mutex
	users     []*tenantUser
	skus      []provision.SKU
	script    map[string][]fault        // by method: what happens to its next calls
	chaos     func(method string) fault // what happens to calls that the script says nothing about
	lag       time.Duration             // how long after its creation a user cannot be read
	visible   func(u *tenantUser) bool
	calls     []string // in their order
	passwords []string
	clash409  bool // report uniqueness clashes as Graph does for other objects
	bareClash bool // report them without details
}

type tenantUser struct {
	provision.User
	createdAt time.Time
	foreign   bool
	created   provision.NewUser
}

// fault is what happens to one call. The zero fault is none.
type fault struct {
	err    error
	commit bool // the directory does what was asked, and only the answer is lost
	before func(ctx context.Context)
}

var _ provision.Directory = (*tenant)(nil)

func newTenant() *tenant {
	return &tenant{
		now:    time.Now,
		script: make(map[string][]fault),
		skus: []provision.SKU{
			{ID: standardSKU, PartNumber: "O365_BUSINESS_PREMIUM", AppliesTo: "User", Status: "Enabled", Enabled: 100},
			{ID: basicSKU, PartNumber: "O365_BUSINESS_ESSENTIALS", AppliesTo: "User", Status: "Warning", Warning: 100},
		},
	}
}

// next scripts the next calls of a method.
func (t *tenant) next(method string, faults ...fault) {
	t.script[method] = append(t.script[method], faults...)
}

// always scripts so many calls that no run gets past them.
func (t *tenant) always(method string, f fault) {
	for range 1000 {
		t.next(method, f)
	}
}

// has adds an account that somebody else made.
func (t *tenant) has(immutableID, upn string) *tenantUser {
	u := &tenantUser{foreign: true, User: provision.User{
		ObjectID: fmt.Sprintf("00000000-0000-4000-8000-%012d", len(t.users)+1), UserPrincipalName: upn,
		ImmutableID: immutableID, AccountEnabled: true, UsageLocation: "DE",
	}}
	t.users = append(t.users, u)
	return u
}

// begin counts a call and takes its fault from the script.
func (t *tenant) begin(ctx context.Context, method, what string) (fault, error) {
	t.mu.Lock()
	t.calls = append(t.calls, strings.TrimSpace(method+" "+what))
	var f fault
	if queue := t.script[method]; len(queue) > 0 {
		f, t.script[method] = queue[0], queue[1:]
	} else if t.chaos != nil {
		f = t.chaos(method)
	}
	t.mu.Unlock()
	if f.before != nil {
		f.before(ctx)
	}
	if ctx.Err() != nil {
		return f, &provision.DirectoryError{Operation: method, Err: ctx.Err()}
	}
	if f.err != nil && !f.commit {
		return f, f.err
	}
	return f, nil
}

func (t *tenant) CreateUser(ctx context.Context, n provision.NewUser) (provision.User, error) {
	f, err := t.begin(ctx, "CreateUser", n.UserPrincipalName)
	if err != nil {
		return provision.User{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.passwords = append(t.passwords, n.Password)
	if err := refuse(n); err != nil {
		return provision.User{}, err
	}
	if err := t.clash(n); err != nil {
		return provision.User{}, err
	}
	u := &tenantUser{created: n, createdAt: t.now(), User: provision.User{
		ObjectID: fmt.Sprintf("00000000-0000-4000-8000-%012d", len(t.users)+1), UserPrincipalName: n.UserPrincipalName,
		ImmutableID: n.ImmutableID, DisplayName: n.DisplayName, UsageLocation: n.UsageLocation, AccountEnabled: true,
	}}
	t.users = append(t.users, u)
	return provision.User{ObjectID: u.ObjectID, UserPrincipalName: u.UserPrincipalName}, f.err
}

// refuse is the part of the directory that checks what was sent.
func refuse(n provision.NewUser) error {
	bad := func(property string) error {
		return &provision.DirectoryError{Operation: "POST /users", Status: 400, Code: "Request_BadRequest",
			Message: fmt.Sprintf("Invalid value specified for property '%s' of resource 'User'.", property)}
	}
	switch {
	case provision.ValidateUPN(n.UserPrincipalName) != nil:
		return bad("userPrincipalName")
	case provision.ValidateImmutableID(n.ImmutableID) != nil:
		return bad("onPremisesImmutableId")
	case n.DisplayName == "" || len(n.DisplayName) > 256:
		return bad("displayName")
	case n.MailNickname == "" || len(n.MailNickname) > 64 || strings.ContainsAny(n.MailNickname, `@()\[]";:<>, `):
		return bad("mailNickname")
	case len(n.UsageLocation) != 2 || strings.ToUpper(n.UsageLocation) != n.UsageLocation:
		return bad("usageLocation")
	case len(n.Password) < 16 || passwordClasses(n.Password) != 4:
		return bad("passwordProfile")
	}
	return nil
}

func passwordClasses(password string) int {
	classes := 0
	for _, in := range []func(rune) bool{unicode.IsUpper, unicode.IsLower, unicode.IsDigit, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}} {
		if strings.ContainsFunc(password, in) {
			classes++
		}
	}
	return classes
}

func (t *tenant) clash(n provision.NewUser) error {
	for _, u := range t.users {
		property := ""
		switch {
		case u.ImmutableID == n.ImmutableID:
			property = "onPremisesImmutableId"
		case strings.EqualFold(u.UserPrincipalName, n.UserPrincipalName):
			property = "userPrincipalName"
		default:
			continue
		}
		err := conflict(property, u.ObjectID)
		if t.clash409 {
			err.Status, err.Code = 409, "Request_MultipleObjectsWithSameKeyValue"
		}
		if t.bareClash {
			err.Details = nil
		}
		return err
	}
	return nil
}

func conflict(property, objectID string) *provision.DirectoryError {
	err := &provision.DirectoryError{Operation: "POST /users", Status: 400, Code: "Request_BadRequest",
		Message: "Another object with the same value for property " + property + " already exists.",
		Details: []provision.ErrorDetail{{Code: "ObjectConflict", Target: property}}}
	if objectID != "" {
		err.Details = append(err.Details, provision.ErrorDetail{Code: "ConflictingObjects", Target: "User_" + objectID})
	}
	return err
}

func (t *tenant) FindUser(ctx context.Context, key provision.UserKey) (provision.User, error) {
	f, err := t.begin(ctx, "FindUser", keyKind(key))
	if err != nil {
		return provision.User{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, u := range t.users {
		if !matches(u, key) {
			continue
		}
		if t.now().Sub(u.createdAt) < t.lag && !u.foreign || t.visible != nil && !t.visible(u) {
			break
		}
		user := u.User
		user.SKUIDs = slices.Clone(u.SKUIDs)
		return user, f.err
	}
	if f.err != nil {
		return provision.User{}, f.err
	}
	return provision.User{}, notFound()
}

func keyKind(key provision.UserKey) string {
	switch {
	case key.ObjectID != "":
		return "by object ID"
	case key.ImmutableID != "":
		return "by ImmutableID"
	}
	return "by UPN"
}

// matches compares ImmutableIDs without regard to case, as a filter of Graph may do.
func matches(u *tenantUser, key provision.UserKey) bool {
	switch {
	case key.ObjectID != "":
		return u.ObjectID == key.ObjectID
	case key.ImmutableID != "":
		return strings.EqualFold(u.ImmutableID, key.ImmutableID)
	}
	return strings.EqualFold(u.UserPrincipalName, key.UserPrincipalName)
}

func (t *tenant) SKUs(ctx context.Context) ([]provision.SKU, error) {
	f, err := t.begin(ctx, "SKUs", "")
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.skus), f.err
}

func (t *tenant) ChangeLicenses(ctx context.Context, objectID string, change provision.LicenseChange) error {
	f, err := t.begin(ctx, "ChangeLicenses", "")
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.users, func(u *tenantUser) bool { return u.ObjectID == objectID })
	if i < 0 {
		return notFound()
	}
	u := t.users[i]
	for _, grant := range change.Add {
		id := grant.SKUID
		if slices.Contains(u.SKUIDs, id) {
			continue
		}
		k := slices.IndexFunc(t.skus, func(s provision.SKU) bool { return s.ID == id })
		if k < 0 || t.skus[k].Free() == 0 {
			return noSeat(id)
		}
		t.skus[k].Consumed++
		u.SKUIDs = append(u.SKUIDs, id)
	}
	return f.err
}

// mine are the accounts that were created through the directory.
func (t *tenant) mine() []*tenantUser {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(t.users), func(u *tenantUser) bool { return u.foreign })
}

// count is how many calls begin so.
func (t *tenant) count(method string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, call := range t.calls {
		if strings.HasPrefix(call, method) {
			n++
		}
	}
	return n
}

// What the directory answers.

func notFound() *provision.DirectoryError {
	return &provision.DirectoryError{Operation: "GET /users", Status: 404, Code: "Request_ResourceNotFound",
		Message: "Resource does not exist or one of its queried reference-property objects are not present."}
}

func noSeat(id string) *provision.DirectoryError {
	return &provision.DirectoryError{Operation: "assignLicense", Status: 400, Code: "Request_BadRequest",
		Message: "Subscription with SKU " + id + " does not have any available licenses."}
}

func status(code int) *provision.DirectoryError {
	return &provision.DirectoryError{Operation: "call", Status: code, Message: http.StatusText(code)}
}

func throttled(after time.Duration) *provision.DirectoryError {
	return &provision.DirectoryError{Operation: "call", Status: 429, Code: "TooManyRequests", RetryAfter: after}
}

func dropped() *provision.DirectoryError {
	return &provision.DirectoryError{Operation: "call", Err: fmt.Errorf("connection reset by peer")}
}

func badRequest(message string) *provision.DirectoryError {
	return &provision.DirectoryError{Operation: "call", Status: 400, Code: "Request_BadRequest", Message: message}
}

func concurrencyViolation() *provision.DirectoryError {
	return &provision.DirectoryError{Operation: "call", Status: 409, Code: "Directory_ConcurrencyViolation",
		Message: "concurrent requests being made to the tenant. Please wait briefly and retry."}
}

// The people and the configuration that most tests use.

func contractor() provision.Person {
	return provision.Person{Connection: "google", ID: "104", Email: "contractor@example.net", GivenName: "Con",
		Surname: "Tractor"}
}

func partner() provision.Person {
	return provision.Person{Connection: "linkedin", ID: "p-7", Email: "partner@example.org", DisplayName: "Partner"}
}

func config(directory provision.Directory, store provision.Store) provision.Config {
	return provision.Config{
		Directory: directory,
		Store:     store,
		Rules:     provision.Rules{Domain: "contoso.com", UsageLocation: "DE"},
		Rand:      rand.NewChaCha8([32]byte{1}),
	}
}

func licensed(c provision.Config, licenses ...string) provision.Config {
	for _, sku := range licenses {
		c.Rules.Licenses = append(c.Rules.Licenses, provision.License{SKU: sku})
	}
	return c
}

func newProvisioner(t testing.TB, c provision.Config) *provision.Provisioner {
	t.Helper()
	p, err := provision.New(c)
	require.NoError(t, err)
	return p
}

// oneAccount requires that exactly one account was created, and that it is the one that Ensure told.
func oneAccount(t testing.TB, dir *tenant, account provision.Account) *tenantUser {
	t.Helper()
	mine := dir.mine()
	require.Len(t, mine, 1, "one account for one person")
	require.Equal(t, mine[0].ObjectID, account.ObjectID)
	require.Equal(t, mine[0].ImmutableID, account.ImmutableID)
	require.Equal(t, mine[0].UserPrincipalName, account.UPN)
	return mine[0]
}
