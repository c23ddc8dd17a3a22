namespace Sendcat.ToolWorker.Health;

/// <summary>The worker serves nothing but <c>/health</c> and <c>/alive</c>.</summary>
internal static class HealthAddress
{
    /// <summary>A port that nobody chose is the system's choice, on loopback, so that workers started side by side do not meet on a default.</summary>
    public static void UseHealthAddress(this WebApplicationBuilder builder)
    {
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        if (string.IsNullOrEmpty(builder.Configuration["urls"]) && string.IsNullOrEmpty(builder.Configuration["http_ports"]))
        {
            builder.WebHost.UseUrls("http://127.0.0.1:0");
        }

    }
}
