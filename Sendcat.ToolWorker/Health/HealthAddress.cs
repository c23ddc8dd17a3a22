namespace Sendcat.ToolWorker.Health;

/// <summary>The HTTP address of the worker. The worker serves only <c>/health</c> and <c>/alive</c>.</summary>
internal static class HealthAddress
{
    /// <summary>
    /// Without a configured address it listens on loopback, on a port that the operating system chooses. So several workers on one machine
    /// do not conflict on a default port.
    /// </summary>
    public static void UseHealthAddress(this WebApplicationBuilder builder)
    {
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        if (string.IsNullOrEmpty(builder.Configuration["urls"]) && string.IsNullOrEmpty(builder.Configuration["http_ports"]))
        {
            builder.WebHost.UseUrls("http://127.0.0.1:0");
        }
    }
}
