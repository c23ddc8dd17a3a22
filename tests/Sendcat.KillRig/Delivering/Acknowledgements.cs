namespace Sendcat.KillRig.Delivering;

/// <summary>Sends deliveries to replicas that may be killed meanwhile.</summary>
internal static class Acknowledgements
{
    /// <summary>Sends a delivery.</summary>
    /// <returns>Whether it was acknowledged as a replay; null: it was not acknowledged.</returns>
    public static async Task<bool?> SendAsync(HttpClient http, HttpRequestMessage delivery)
    {
        try
        {
            using var response = await http.SendAsync(delivery);
            return response.IsSuccessStatusCode ? response.Headers.Contains("X-Idempotent-Replay") : null;
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            return null;
        }
    }
}
