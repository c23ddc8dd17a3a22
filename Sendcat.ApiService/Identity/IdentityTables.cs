using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Identity.AccountChanges;
using Sendcat.ApiService.Identity.Profiles;
using Sendcat.ApiService.Identity.SignUps;
using Sendcat.ApiService.Identity.SignIns;
using Sendcat.ApiService.Identity.Tokens;

namespace Sendcat.ApiService.Identity;

/// <summary>
/// Maps users and the tables that refer to them. The tables of ASP.NET Core Identity are
/// mapped as <c>IdentityUserContext</c> would map them (schema version 1), with our table names.
/// </summary>
internal sealed class IdentityTables :
    IEntityTypeConfiguration<SendcatUser>,
    IEntityTypeConfiguration<RefreshToken>,
    IEntityTypeConfiguration<RevokedFamily>,
    IEntityTypeConfiguration<SignInAddress>,
    IEntityTypeConfiguration<ExternalSignIn>,
    IEntityTypeConfiguration<RegistrationMail>,
    IEntityTypeConfiguration<AccountDeletion>,
    IEntityTypeConfiguration<Profile>,
    IEntityTypeConfiguration<IdentityUserClaim<string>>,
    IEntityTypeConfiguration<IdentityUserLogin<string>>,
    IEntityTypeConfiguration<IdentityUserToken<string>>
{
    public void Configure(EntityTypeBuilder<SendcatUser> user)
    {
        user.ToTable("users");
        user.HasKey(u => u.Id);
        user.Property(u => u.ConcurrencyStamp).IsConcurrencyToken();
        user.Property(u => u.UserName).HasMaxLength(256);
        user.Property(u => u.NormalizedUserName).HasMaxLength(256);
        user.Property(u => u.Email).HasMaxLength(256);
        user.Property(u => u.NormalizedEmail).HasMaxLength(256);
        user.HasMany<IdentityUserClaim<string>>().WithOne().HasForeignKey(c => c.UserId).IsRequired();
        user.HasMany<IdentityUserLogin<string>>().WithOne().HasForeignKey(l => l.UserId).IsRequired();
        user.HasMany<IdentityUserToken<string>>().WithOne().HasForeignKey(t => t.UserId).IsRequired();
        user.HasIndex(u => u.NormalizedUserName).HasDatabaseName("ix_users_normalized_user_name").IsUnique();
        user.HasIndex(u => u.NormalizedEmail).HasDatabaseName("ix_users_normalized_email");
    }

    public void Configure(EntityTypeBuilder<RefreshToken> token)
    {
        token.ToTable("refresh_tokens");
        token.HasOne<SendcatUser>().WithMany().HasForeignKey(t => t.UserId).OnDelete(DeleteBehavior.Cascade);
        token.HasIndex(t => t.TokenHash).IsUnique();
        token.HasIndex(t => t.FamilyId);
        token.HasIndex(t => t.ExpiresAt);
    }

    public void Configure(EntityTypeBuilder<RevokedFamily> family)
    {
        family.ToTable("revoked_families");
        family.HasKey(f => f.FamilyId);
        family.HasIndex(f => f.RevokedAt);
    }

    public void Configure(EntityTypeBuilder<SignInAddress> address)
    {
        address.ToTable("sign_in_addresses");
        address.HasKey(a => new { a.UserId, a.Address });
        address.HasOne<SendcatUser>().WithMany().HasForeignKey(a => a.UserId).OnDelete(DeleteBehavior.Cascade);
        address.HasIndex(a => a.LastUsedAt);
    }

    public void Configure(EntityTypeBuilder<ExternalSignIn> signIn)
    {
        signIn.ToTable("external_sign_ins");
        signIn.HasKey(s => new { s.Provider, s.Subject });
        signIn.Property(s => s.Provider).HasMaxLength(32);
        signIn.Property(s => s.Subject).HasMaxLength(255);
        signIn.HasOne<SendcatUser>().WithMany().HasForeignKey(s => s.UserId).OnDelete(DeleteBehavior.Cascade);
        signIn.HasIndex(s => new { s.UserId, s.Provider }).IsUnique();
    }

    public void Configure(EntityTypeBuilder<RegistrationMail> mail)
    {
        mail.ToTable("registration_mails");
        mail.HasKey(m => m.Address);
        mail.HasIndex(m => m.AskedAt);
    }

    public void Configure(EntityTypeBuilder<AccountDeletion> deletion)
    {
        deletion.ToTable("account_deletions");
        deletion.HasKey(d => d.UserId);
        deletion.HasOne<SendcatUser>().WithOne().HasForeignKey<AccountDeletion>(d => d.UserId).OnDelete(DeleteBehavior.Cascade);
    }

    public void Configure(EntityTypeBuilder<Profile> profile)
    {
        profile.ToTable("profiles");
        profile.HasOne<SendcatUser>().WithMany().HasForeignKey(p => p.UserId).OnDelete(DeleteBehavior.Cascade);
        profile.HasIndex(p => p.SessionId).IsUnique();
        profile.HasIndex(p => p.UserId);
        profile.OwnsOne(p => p.Address, address => address.ToJson());
    }

    public void Configure(EntityTypeBuilder<IdentityUserClaim<string>> claim)
    {
        claim.ToTable("user_claims");
        claim.HasKey(c => c.Id);
    }

    public void Configure(EntityTypeBuilder<IdentityUserLogin<string>> login)
    {
        login.ToTable("user_logins");
        login.HasKey(l => new { l.LoginProvider, l.ProviderKey });
    }

    public void Configure(EntityTypeBuilder<IdentityUserToken<string>> token)
    {
        token.ToTable("user_tokens");
        token.HasKey(t => new { t.UserId, t.LoginProvider, t.Name });
    }
}

/// <summary>The tables of <see cref="IdentityTables"/>.</summary>
internal static class IdentitySets
{
    extension(SendcatDb db)
    {
        public DbSet<SendcatUser> Users => db.Set<SendcatUser>();

        public DbSet<Profile> Profiles => db.Set<Profile>();

        public DbSet<RefreshToken> RefreshTokens => db.Set<RefreshToken>();

        public DbSet<ExternalSignIn> ExternalSignIns => db.Set<ExternalSignIn>();

        public DbSet<SignInAddress> SignInAddresses => db.Set<SignInAddress>();
    }
}
