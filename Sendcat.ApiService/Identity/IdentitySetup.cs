using Sendcat.ApiService.Database;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Identity;

internal static class IdentitySetup
{
    public static IServiceCollection AddIdentity(this IServiceCollection services)
    {
        services.AddSingleton(provider => SigningKey.Load(provider.GetRequiredService<IConfiguration>(), provider.GetRequiredService<IHostEnvironment>()));
        services.AddKnobs<SessionOptions>();
        services.AddSingleton<AccessTokens>();
        services.AddSingleton<AnonymousSessions>();
        services.AddSingleton<Principals>();

        services.AddIdentityCore<SendcatUser>(options =>
            {
                // The name is the e-mail address, and its unique index is what keeps addresses apart.
                options.User.AllowedUserNameCharacters = "";
                options.Password = new() { RequiredLength = 8, RequireDigit = false, RequireLowercase = false, RequireUppercase = false, RequireNonAlphanumeric = false, RequiredUniqueChars = 1 };
                options.Tokens.PasswordResetTokenProvider = ResetTokens.ProviderName;
            })
            .AddEntityFrameworkStores<SendcatDb>()
            .AddTokenProvider<ResetTokens>(ResetTokens.ProviderName);
        services.AddSingleton<ResetTokens>();
        services.AddScoped<RefreshTokens>();
        services.AddScoped<Accounts>();

        services.AddSingleton<ResetMails>();
        services.AddSingleton<WelcomeMails>();
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Insert(0, IdentityJson.Default));
        return services;
    }

    /// <exception cref="InvalidOperationException">There is no signing key to believe tokens by.</exception>
    public static void MapIdentity(this WebApplication app)
    {
        _ = app.Services.GetRequiredService<SigningKey>();
        app.MapAuth();
        app.MapProfile();
    }
}
