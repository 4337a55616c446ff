{% macro crm_models(object) %}
    {#- Names of the models that hold the accounts, opportunities, contacts or owners of the CRMs in use, by kind of CRM.
        Dynamics holds codes and HubSpot exports hold names: both are resolved one step before. -#}
    {%- set models = {
        'accounts': {
            'salesforce': 'stg_account_mapping__salesforce_accounts',
            'hubspot': 'int_account_mapping__hubspot_companies',
            'pipedrive': 'stg_account_mapping__pipedrive_organizations',
            'dynamics_365': 'int_account_mapping__dynamics_365_accounts',
            'generic': 'stg_account_mapping__generic_accounts',
            'shared_keys': 'int_account_mapping__shared_keys_accounts',
        },
        'opportunities': {
            'salesforce': 'stg_account_mapping__salesforce_opportunities',
            'hubspot': 'int_account_mapping__hubspot_deals',
            'pipedrive': 'int_account_mapping__pipedrive_opportunities',
            'dynamics_365': 'int_account_mapping__dynamics_365_opportunities',
        },
        'contacts': {
            'salesforce': 'stg_account_mapping__salesforce_contacts',
            'hubspot': 'stg_account_mapping__hubspot_contacts',
            'pipedrive': 'stg_account_mapping__pipedrive_persons',
            'dynamics_365': 'stg_account_mapping__dynamics_365_contacts',
        },
        'owners': {
            'salesforce': 'stg_account_mapping__salesforce_users',
            'hubspot': 'stg_account_mapping__hubspot_owners',
            'pipedrive': 'stg_account_mapping__pipedrive_users',
            'dynamics_365': 'stg_account_mapping__dynamics_365_systemusers',
        },
    }[object] -%}
    {%- set in_use = {} -%}
    {%- for crm in account_mapping.crms_in_use() if crm in models -%}
        {%- do in_use.update({crm: models[crm]}) -%}
    {%- endfor -%}
    {{- return(in_use) -}}
{% endmacro %}
