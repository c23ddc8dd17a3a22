using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace Microsoft.Extensions.Hosting;

public static class OutboundResilience
{
    /// <summary>
    /// Adds Microsoft's standard resilience pipeline for clients with short requests: a timeout of 10 s per attempt and 30 s in total, up
    /// to 3 retries of safe methods with backoff and jitter (a
    /// <c>Retry-After</c> header takes precedence), and a circuit breaker. It is not for clients with streaming responses: the timeouts
    /// would cut the stream, and the router does their retries.
    /// </summary>
    public static IHttpClientBuilder AddSendcatResilience(this IHttpClientBuilder client)
    {
        client.AddStandardResilienceHandler(options =>
        {
            options.TotalRequestTimeout.Timeout = TimeSpan.FromSeconds(30);
            options.AttemptTimeout.Timeout = TimeSpan.FromSeconds(10);
            options.Retry.MaxRetryAttempts = 3;
            options.Retry.BackoffType = DelayBackoffType.Exponential;
            options.Retry.UseJitter = true;
            options.Retry.DisableForUnsafeHttpMethods();
        });
        return client;
    }
}
