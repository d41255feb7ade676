package web

import (
	"time"
)

// DeviceView is a browser that is trusted or stays signed in, as shown on pages.
type DeviceView struct {
	ID, Name, Address    string
	Added, Seen, Expires time.Time
	Current              bool
	Stays                bool // stays signed in; otherwise it skips the second factor
	Action               string
}

// DevicesPage is the data of "tf_devices".
type DevicesPage struct {
	Devices []DeviceView
	Stay    bool   // browsers may stay signed in
	Action  string // target of the button "all"
	Pager   Pager
}

// devicesSection adds the list to the account page, if browsers can be trusted or stay signed in.
func (s secondFactorSteps) devicesSection(c *call, p *AccountPage, _ map[string]any) error {
	var err error
	p.Devices, err = s.devicesPage(c)
	p.Devices.Devices, p.Devices.Pager = firstPage(s.paths.Devices, p.Devices.Devices)
	p.Trusts = s.c.TrustFor > 0 || s.c.RememberFor > 0 || len(p.Devices.Devices) > 0
	return err
}

func (s secondFactorSteps) devicesPage(c *call) (DevicesPage, error) {
	list, err := s.c.Login.SecondFactor.DevicesOf(c.r.Context(), *c.who, c.browser)
	page := DevicesPage{Action: s.paths.Devices, Stay: s.c.RememberFor > 0}
	for _, d := range list {
		page.Devices = append(page.Devices, DeviceView{
			ID: d.ID, Name: d.Name, Address: d.Address, Added: d.CreatedAt, Seen: d.LastSeenAt, Expires: d.ExpiresAt,
			Current: d.Current, Stays: d.Stays, Action: s.paths.Devices + "/" + d.ID,
		})
	}
	return page, err
}

func (s secondFactorSteps) getDevices(c *call) (*answer, error) {
	page, err := s.devicesPage(c)
	if err != nil {
		return nil, err
	}
	back := s.session.listed(s.paths.Devices)
	if ask, ok := askRemoval(c, "devices", everyEntry, ""); ok {
		ask.Action, ask.Back = page.Action, back
		return removal(ask), nil
	}
	for _, d := range page.Devices {
		kind := "device"
		if d.Stays {
			kind = "staying"
		}
		if ask, ok := askRemoval(c, kind, d.ID, d.Name); ok {
			ask.Action, ask.Back = d.Action, back
			return removal(ask), nil
		}
	}
	if page.Devices, page.Pager, err = paged(c, s.paths.Devices, page.Devices); err != nil {
		return nil, err
	}
	list := []map[string]any{}
	for _, d := range page.Devices {
		list = append(list, map[string]any{
			"id": d.ID, "name": d.Name, "address": d.Address, "created": stamp(d.Added), "last_seen": stamp(d.Seen),
			"expires": stamp(d.Expires), "current": d.Current, "stays": d.Stays,
		})
	}
	body := map[string]any{"devices": list}
	pageBody(body, page.Pager)
	return &answer{body: body, page: "tf_devices", data: page}, nil
}

// endDevices revokes all trusted browsers, or the one in the path.
func (s secondFactorSteps) endDevices(c *call) (*answer, error) {
	if err := s.c.Login.SecondFactor.RevokeDevice(c.r.Context(), *c.who, c.token, c.browser); err != nil {
		return nil, s.session.listError(c, err, s.paths.Devices)
	}
	note := "DEVICE_REVOKED"
	if c.token == "" {
		note = "DEVICES_REVOKED"
	}
	return &answer{to: s.session.listed(s.paths.Devices), note: note}, nil
}
