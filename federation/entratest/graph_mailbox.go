package entratest

import "slices"

// givesMailbox reports whether a seat of the SKU, without some of its plans, brings a mailbox.
func (s SKU) givesMailbox(disabled []string) bool {
	return slices.ContainsFunc(s.Plans, func(p ServicePlan) bool { return p.Mailbox && !slices.Contains(disabled, p.ID) })
}

// hasMailbox reports whether one of the user's seats brings a mailbox.
func (t *Tenant) hasMailbox(e *entity) bool {
	return slices.ContainsFunc(e.seats(), func(skuID string) bool {
		sku, _ := t.sku(skuID)
		return sku.givesMailbox(e.disabledPlans(skuID))
	})
}

// openMailbox gives a user, whose licences were changed, the address of the mailbox that they bring: the mail, if it is in
// one of the tenant's domains, or else the UPN, which then is the mail, and what was the mail is one more address. That
// Exchange rewrites these properties is known, and how is assumed. An address that is somebody else's is in the way. The
// caller holds t.mu.
func (t *Tenant) openMailbox(before, after *entity) *graphError {
	if t.hasMailbox(before) || !t.hasMailbox(after) {
		return nil
	}
	if mail := after.text("mail"); t.verifiedDomain(domainPart(mail)) == nil {
		after.values["mail"] = after.text("userPrincipalName")
		after.followMail(mail)
	}
	return t.checkAddresses(after)
}
