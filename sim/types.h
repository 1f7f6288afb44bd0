/* types - the schema versions this service speaks (DMTF bundle 2025.4). Internal to sim/. */
#ifndef SIM_TYPES_H
#define SIM_TYPES_H

#define SIM_TYPES(X) \
	X(ServiceRoot, "v1_17_0") X(ComputerSystem, "v1_22_0") X(Processor, "v1_20_0") X(Bios, "v1_2_3") \
	X(AttributeRegistry, "v1_3_8") X(Manager, "v1_19_0") X(Chassis, "v1_25_0") X(UpdateService, "v1_14_0") \
	X(SoftwareInventory, "v1_10_0") X(TaskService, "v1_2_1") X(Task, "v1_7_4") X(SessionService, "v1_1_9") \
	X(Session, "v1_7_1") X(AccountService, "v1_15_0") X(ManagerAccount, "v1_12_0") X(Role, "v1_3_2") \
	X(EventService, "v1_10_1") X(EventDestination, "v1_14_0") X(ActionInfo, "v1_4_2") X(MessageRegistryFile, "v1_1_4") \
	X(ManagerNetworkProtocol, "v1_10_1") X(EthernetInterface, "v1_12_1") X(Message, "v1_1_2") X(Settings, "v1_3_5") \
	X(Event, "v1_10_0")

#define TYPE_SERVICE_ROOT "ServiceRoot.v1_17_0.ServiceRoot"
#define TYPE_SYSTEM "ComputerSystem.v1_22_0.ComputerSystem"
#define TYPE_PROCESSOR "Processor.v1_20_0.Processor"
#define TYPE_BIOS "Bios.v1_2_3.Bios"
#define TYPE_ATTRIBUTE_REGISTRY "AttributeRegistry.v1_3_8.AttributeRegistry"
#define TYPE_MANAGER "Manager.v1_19_0.Manager"
#define TYPE_CHASSIS "Chassis.v1_25_0.Chassis"
#define TYPE_UPDATE_SERVICE "UpdateService.v1_14_0.UpdateService"
#define TYPE_SOFTWARE "SoftwareInventory.v1_10_0.SoftwareInventory"
#define TYPE_TASK_SERVICE "TaskService.v1_2_1.TaskService"
#define TYPE_TASK "Task.v1_7_4.Task"
#define TYPE_SESSION_SERVICE "SessionService.v1_1_9.SessionService"
#define TYPE_SESSION "Session.v1_7_1.Session"
#define TYPE_ACCOUNT_SERVICE "AccountService.v1_15_0.AccountService"
#define TYPE_ACCOUNT "ManagerAccount.v1_12_0.ManagerAccount"
#define TYPE_ROLE "Role.v1_3_2.Role"
#define TYPE_EVENT_SERVICE "EventService.v1_10_1.EventService"
#define TYPE_EVENT_DESTINATION "EventDestination.v1_14_0.EventDestination"
#define TYPE_ACTION_INFO "ActionInfo.v1_4_2.ActionInfo"
#define TYPE_REGISTRY_FILE "MessageRegistryFile.v1_1_4.MessageRegistryFile"
#define TYPE_NETWORK_PROTOCOL "ManagerNetworkProtocol.v1_10_1.ManagerNetworkProtocol"
#define TYPE_ETHERNET "EthernetInterface.v1_12_1.EthernetInterface"
#define TYPE_EVENT "Event.v1_10_0.Event"

#endif
