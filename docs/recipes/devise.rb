# Devise with devise-two-factor: rails runner devise.rb > people.jsonl
require "json"
require "time"
puts JSON.generate(twofold: 1, source: "devise")
User.find_each do |u|
  line = { id: u.id.to_s, active: true, created: u.created_at.utc.iso8601,
           addresses: [{ address: u.email, proven: !u.respond_to?(:confirmed_at) || !u.confirmed_at.nil? }] }
  unless u.encrypted_password.to_s.empty?
    line[:password] = { value: u.encrypted_password }
    line[:password][:pre] = "pepper,k=devise" if Devise.pepper
  end
  if u.respond_to?(:otp_required_for_login) && u.otp_required_for_login
    line[:authenticators] = [{ secret: u.otp_secret, last_step: u.consumed_timestep.to_i }]
    codes = u.respond_to?(:otp_backup_codes) ? u.otp_backup_codes.to_a : []
    # With a pepper, backup codes have it too, and cannot be taken over.
    line[:recovery_codes] = codes.map { |c| { scheme: "bcrypt", value: c } } unless Devise.pepper
  end
  puts JSON.generate(line)
end
