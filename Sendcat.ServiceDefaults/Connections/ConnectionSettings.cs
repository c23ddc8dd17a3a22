using Microsoft.Extensions.Configuration;

namespace Microsoft.Extensions.Hosting;

internal static class ConnectionSettings
{
    /// <summary>As the packages do it: the integration's section, then the part of it that bears the connection's name.</summary>
    public static TSettings BindSettings<TSettings>(this IHostApplicationBuilder builder, string section, string name)
        where TSettings : new()
    {
        var settings = new TSettings();
        builder.Configuration.GetSection(section).Bind(settings);
        builder.Configuration.GetSection($"{section}:{name}").Bind(settings);
        return settings;
    }
}
