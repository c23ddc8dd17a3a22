using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Database;

/// <summary>Maps users and the tables that refer to them.</summary>
internal static class IdentityTables
{
    public static void Configure(ModelBuilder builder)
    {
        builder.Entity<SendcatUser>(user =>
        {
            user.ToTable("users");
            user.HasIndex(u => u.NormalizedUserName).HasDatabaseName("ix_users_normalized_user_name").IsUnique();
            user.HasIndex(u => u.NormalizedEmail).HasDatabaseName("ix_users_normalized_email");
        });
        builder.Entity<IdentityUserClaim<string>>().ToTable("user_claims");
        builder.Entity<IdentityUserLogin<string>>().ToTable("user_logins");
        builder.Entity<IdentityUserToken<string>>().ToTable("user_tokens");

        builder.Entity<RefreshToken>(token =>
        {
            token.HasOne<SendcatUser>().WithMany().HasForeignKey(t => t.UserId).OnDelete(DeleteBehavior.Cascade);
            token.HasIndex(t => t.TokenHash).IsUnique();
            token.HasIndex(t => t.FamilyId);
            token.HasIndex(t => t.ExpiresAt);
        });

        builder.Entity<RevokedFamily>(family =>
        {
            family.ToTable("revoked_families");
            family.HasKey(f => f.FamilyId);
            family.HasIndex(f => f.RevokedAt);
        });

        builder.Entity<SignInAddress>(address =>
        {
            address.ToTable("sign_in_addresses");
            address.HasKey(a => new { a.UserId, a.Address });
            address.HasOne<SendcatUser>().WithMany().HasForeignKey(a => a.UserId).OnDelete(DeleteBehavior.Cascade);
            address.HasIndex(a => a.LastUsedAt);
        });

        builder.Entity<RegistrationMail>(mail =>
        {
            mail.ToTable("registration_mails");
            mail.HasKey(m => m.Address);
            mail.HasIndex(m => m.AskedAt);
        });

        builder.Entity<Profile>(profile =>
        {
            profile.HasOne<SendcatUser>().WithMany().HasForeignKey(p => p.UserId).OnDelete(DeleteBehavior.Cascade);
            profile.HasIndex(p => p.SessionId).IsUnique();
            profile.HasIndex(p => p.UserId);
            profile.OwnsOne(p => p.Address, address => address.ToJson());
        });
    }
}
