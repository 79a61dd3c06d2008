package entratest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// User is a user of the tenant.
type User struct {
	// ObjectID is the id in Graph, a GUID. Empty in Config.Users: the tenant chooses.
	ObjectID string

	// UPN is the user principal name. Required; its domain is one of the tenant's.
	UPN string

	// ImmutableID is the onPremisesImmutableId: unique, and compared with regard to case. Graph creates no user in a
	// federated domain without one; a user of Config.Users may lack it, and then cannot sign in.
	ImmutableID string

	DisplayName   string // empty in Config.Users: the part of the UPN before the @
	MailNickname  string // empty in Config.Users: the part of the UPN before the @
	GivenName     string
	Surname       string
	Mail          string
	UsageLocation string // ISO 3166-1 alpha-2; without it no licence can be assigned directly

	// ProxyAddresses are all addresses of the user, each with "SMTP:" (the primary one) or "smtp:" before it. In
	// Config.Users the Mail need not be repeated, and an address may be another user's too, as happens in tenants that
	// a sync has filled: Graph then refuses the next change of either user.
	ProxyAddresses []string

	// Enabled is accountEnabled: a user whose account is not enabled cannot sign in. Set it in Config.Users.
	Enabled bool

	// DirectorySynced is onPremisesSyncEnabled: a directory sync owns the object, and Graph refuses most changes.
	DirectorySynced bool

	// Guest says that the userType is Guest: somebody of another organization, who was invited with the address Mail and
	// signs in there. [Tenant] never lets a guest's identity provider sign in anybody else.
	Guest bool

	// AdminRole says that the user holds an administrator's role. An application then needs one as well to change or
	// delete the user, whatever its permissions are: App.AdminRole.
	AdminRole bool

	// GlobalAdministrator says that the user holds the role of the Global Administrator, which is an administrator's
	// role: AdminRole is then true as well in what [Tenant.Users] returns.
	GlobalAdministrator bool

	// SKUIDs are the subscriptions of which the user holds a seat, directly or through a group. In Config.Users:
	// directly.
	SKUIDs []string

	// CreatedAt is when the user was created. Zero in Config.Users: when the tenant was.
	CreatedAt time.Time

	// DeletedAt is when the user was deleted. It is set in what [Tenant.DeletedUsers] returns, and ignored in
	// Config.Users.
	DeletedAt time.Time
}

func (e *entity) exportUser() User {
	return User{
		ObjectID:        e.id,
		UPN:             e.text("userPrincipalName"),
		ImmutableID:     e.text("onPremisesImmutableId"),
		DisplayName:     e.text("displayName"),
		MailNickname:    e.text("mailNickname"),
		GivenName:       e.text("givenName"),
		Surname:         e.text("surname"),
		Mail:            e.text("mail"),
		UsageLocation:   e.text("usageLocation"),
		ProxyAddresses:  slices.Clone(e.list("proxyAddresses")),
		Enabled:         e.flag("accountEnabled"),
		DirectorySynced: e.flag("onPremisesSyncEnabled"),
		Guest:           strings.EqualFold(e.text("userType"), "Guest"),
		AdminRole:       e.admin,
		SKUIDs:          e.seats(),
		CreatedAt:       e.created,
		DeletedAt:       e.deleted,

		GlobalAdministrator: e.global,
	}
}

// Users lists the users as the primary has them, without the deleted ones, in order of their UPNs.
func (t *Tenant) Users() []User { return t.exportUsers((*entity).active) }

// DeletedUsers lists the deleted users who can be restored, as the primary has them, in order of their UPNs. The UPN of a
// deleted user is the object ID without dashes, followed by the UPN that the user had.
func (t *Tenant) DeletedUsers() []User {
	return t.exportUsers(t.restorable)
}

func (t *Tenant) exportUsers(wanted func(*entity) bool) []User {
	t.lock()
	defer t.mu.Unlock()
	var out []User
	for _, id := range t.directory.order {
		if e := t.directory.primary(id); e.class == userClass && wanted(e) {
			out = append(out, e.exportUser())
		}
	}
	slices.SortFunc(out, func(a, b User) int { return cmp.Compare(strings.ToLower(a.UPN), strings.ToLower(b.UPN)) })
	return out
}

// signInUsers returns the users who have exactly this ImmutableID on the replica that the sign-in service reads,
// enabled or not.
func (t *Tenant) signInUsers(immutableID string) []User {
	t.lock()
	defer t.mu.Unlock()
	var out []User
	for _, e := range t.directory.seenByKey(keyOfImmutableID(immutableID), viewSignIn, t.now()) {
		out = append(out, e.exportUser())
	}
	return out
}

// signInUserByUPN returns the user who has this UPN on the replica that the sign-in service reads, enabled or not.
func (t *Tenant) signInUserByUPN(upn string) (User, bool) {
	t.lock()
	defer t.mu.Unlock()
	for _, e := range t.directory.seenByKey(keyOfUPN(upn), viewSignIn, t.now()) {
		return e.exportUser(), true
	}
	return User{}, false
}

func (c Config) validateUsers() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	seen := map[string]bool{}
	once := func(field, key string) {
		if seen[key] {
			wrong("%s is already another user's", field)
		}
		seen[key] = true
	}
	for i, u := range c.Users {
		field := fmt.Sprintf("Users[%d]", i)
		if !validUPN(u.UPN) || !c.hasDomain(domainPart(u.UPN)) {
			wrong("%s.UPN %q is not a name in one of the tenant's domains", field, u.UPN)
		}
		once(fmt.Sprintf("%s.UPN %q", field, u.UPN), keyOfUPN(u.UPN))
		if u.ImmutableID != "" {
			once(fmt.Sprintf("%s.ImmutableID %q", field, u.ImmutableID), keyOfImmutableID(u.ImmutableID))
		}
		if u.ObjectID != "" {
			once(fmt.Sprintf("%s.ObjectID %q", field, u.ObjectID), keyOfID(u.ObjectID))
			if !isGUID(u.ObjectID) {
				wrong("%s.ObjectID %q is not a GUID", field, u.ObjectID)
			}
		}
		for _, address := range u.ProxyAddresses {
			if !proxyPattern.MatchString(address) {
				wrong("%s.ProxyAddresses: %q is not \"smtp:\" or \"SMTP:\" and an address", field, address)
			}
		}
		if err := c.checkSKUIDs(field, u.SKUIDs); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// checkSKUIDs reports which of the SKU IDs are not subscriptions of the tenant.
func (c Config) checkSKUIDs(field string, ids []string) error {
	var errs []error
	for _, id := range ids {
		if !slices.ContainsFunc(c.SKUs, func(s SKU) bool { return strings.EqualFold(s.ID, id) }) {
			errs = append(errs, fmt.Errorf("%s.SKUIDs: %q is not a subscription of the tenant", field, id))
		}
	}
	return errors.Join(errs...)
}

func (t *Tenant) addConfiguredUsers() {
	for _, u := range t.cfg.Users {
		local, _, _ := strings.Cut(u.UPN, "@")
		e := &entity{
			id:      strings.ToLower(orElse(u.ObjectID, t.objectIDs.guid())),
			class:   userClass,
			admin:   u.AdminRole || u.GlobalAdministrator,
			created: u.CreatedAt,
			values: map[string]any{
				"accountEnabled":    u.Enabled,
				"displayName":       orElse(u.DisplayName, local),
				"mailNickname":      orElse(u.MailNickname, local),
				"userPrincipalName": u.UPN,
				"userType":          "Member",
			},
		}
		if u.Guest {
			e.values["userType"] = "Guest"
		}
		e.global = u.GlobalAdministrator
		if e.created.IsZero() {
			e.created = t.now()
		}
		for name, value := range map[string]string{
			"onPremisesImmutableId": u.ImmutableID, "givenName": u.GivenName, "surname": u.Surname,
			"mail": u.Mail, "usageLocation": u.UsageLocation,
		} {
			if value != "" {
				e.values[name] = value
			}
		}
		if u.DirectorySynced {
			e.values["onPremisesSyncEnabled"] = true
		}
		if len(u.ProxyAddresses) > 0 {
			e.values["proxyAddresses"] = slices.Clone(u.ProxyAddresses)
		}
		e.followMail("")
		for _, id := range u.SKUIDs {
			e.licenses = append(e.licenses, license{skuID: strings.ToLower(id), assigned: e.created})
		}
		t.directory.settle(e)
	}
}
