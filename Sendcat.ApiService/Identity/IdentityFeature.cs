using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.AccountChanges;
using Sendcat.ApiService.Identity.Cookies;
using Sendcat.ApiService.Identity.Google;
using Sendcat.ApiService.Identity.Passwords;
using Sendcat.ApiService.Identity.Profiles;
using Sendcat.ApiService.Identity.SignIns;
using Sendcat.ApiService.Identity.SignUps;
using Sendcat.ApiService.Identity.Tokens;
using Sendcat.Integrations.Google;
using Sendcat.Integrations.Signing;
using Sendcat.Integrations.Work;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Identity;

internal static class IdentityFeature
{
    /// <summary>
    /// The mails that were sent or wait to be sent to the address of the account before its deletion, and those about it to other
    /// addresses. One that is being sent may still arrive.
    /// </summary>
    private static readonly AccountContent MailsOfAccount = new(
        "mails",
        $"""
        -- delete mails of account
        DELETE FROM reliability.tool_jobs WHERE id IN (
            SELECT j.id FROM account_deletions d JOIN reliability.tool_jobs j ON j.tool = 'deliveries'
            WHERE d.user_id = @user
                AND ((j.principal = '{Delivery.PrincipalPrefix}' || d.normalized_address AND j.created_at <= d.requested_at)
                    OR position(@user IN j.args) > 0)
            LIMIT 5000)
        """);

    public static IServiceCollection AddIdentity(this IServiceCollection services)
    {
        services.AddSigning();
        services.AddKnobs<SessionOptions>();
        services.AddSingleton<AccessTokens>();
        services.AddSingleton<RevokedFamilies>();
        services.AddSingleton<RevokedFamilyWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<RevokedFamilyWatch>());
        services.AddSingleton<AnonymousSessions>();
        services.AddSingleton<BrowserCookies>();
        services.AddSingleton<Principals>();

        services.AddKnobs<AccountOptions>();
        services.AddKnobs<PasswordHashOptions>();
        services.AddSingleton<IPasswordHasher<SendcatUser>, PasswordHasher<SendcatUser>>();
        services.AddSingleton<PasswordHashes>();

        services.AddIdentityCore<SendcatUser>(options =>
            {
                // The user name is the e-mail address. Its unique index makes addresses unique.
                options.User.AllowedUserNameCharacters = "";
                options.Password = new()
                {
                    RequiredLength = PasswordRules.Shortest,
                    RequireDigit = true,
                    RequireLowercase = false,
                    RequireUppercase = false,
                    RequireNonAlphanumeric = false,
                    RequiredUniqueChars = 1,
                };
                options.Tokens.PasswordResetTokenProvider = LinkTokens.ProviderName;
                options.Tokens.EmailConfirmationTokenProvider = LinkTokens.ProviderName;
                options.Tokens.ChangeEmailTokenProvider = LinkTokens.ProviderName;
            })
            .AddEntityFrameworkStores<SendcatDb>()
            .AddTokenProvider<LinkTokens>(LinkTokens.ProviderName);
        services.AddSingleton<LinkTokens>();
        services.AddSingleton<SuccessorTokens>();
        services.AddScoped<RefreshTokens>();
        services.AddSingleton<AddressDigests>();
        services.AddSingleton<SignInAttempts>();
        services.AddScoped<Registrations>();
        services.AddScoped<Accounts>();
        services.AddScoped<Reauthentication>();
        services.AddScoped<AccountChanges.AccountChanges>();
        services.AddScoped<PasswordChanges>();
        services.AddScoped<GoogleLinks>();
        services.AddGoogle();
        services.AddSingleton<GoogleFlows>();
        services.AddSingleton<GoogleProofs>();
        services.AddScoped<GoogleCallbacks>();
        services.AddScoped<GoogleAccounts>();
        services.AddScoped<GoogleSignIns>();
        services.AddSingleton(MailsOfAccount);
        services.AddSingleton<AccountDeletions>();
        services.AddHostedService(provider => provider.GetRequiredService<AccountDeletions>());

        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Insert(0, IdentityJson.Default));
        return services;
    }

    /// <exception cref="InvalidOperationException">The signing key is missing or too short.</exception>
    public static void MapIdentity(this WebApplication app)
    {
        _ = app.Services.GetRequiredService<SigningKey>();
        // Created before the first request, because its constructor computes a password hash.
        _ = app.Services.GetRequiredService<PasswordHashes>();
        var google = app.Services.GetRequiredService<IOptions<GoogleOptions>>().Value;
        var address = app.Services.GetRequiredService<IOptions<PublicAddressOptions>>().Value;
        if (google.ClientId.Length > 0 && (!google.IsConfigured || (address.Url.Length == 0 && !app.Environment.IsDevelopment())))
        {
            app.Logger.GoogleIncomplete();
        }

        app.MapAuth();
        app.MapCookieAuth();
        app.MapGoogle();
        app.MapAccountChanges();
        app.MapProfile();
    }
}
