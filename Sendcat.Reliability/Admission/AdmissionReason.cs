namespace Sendcat.Reliability.Admission;

/// <summary>The reasons of admission's refusals, in the order in which the limits are checked.</summary>
public static class AdmissionReason
{
    public const string SameMessage = "same_message";
    public const string UserInFlight = "user_inflight";
    public const string AddressInFlight = "address_inflight";
    public const string GuestInFlight = "guest_inflight";
    public const string GlobalInFlight = "global_inflight";
    public const string GlobalMessageRate = "global_msg_rate";
    public const string GlobalToolRate = "global_tool_rate";
    public const string RedisUnavailable = "redis_unavailable";
}
