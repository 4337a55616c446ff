{% macro source_table_names(source_name, table_name) %}
    {#- The names under which loaders write a source table, most usual first. -#}
    {%- set other_names = {
        'salesforce': {
            'account': ['accounts'],
            'opportunity': ['opportunities'],
            'contact': ['contacts'],
            'lead': ['leads'],
            'user': ['users'],
        },
        'hubspot': {
            'company': ['companies'],
            'deal': ['deals'],
            'deal_company': ['deal_companies'],
            'deal_pipeline_stage': ['deal_pipeline_stages'],
            'deal_pipeline': ['deal_pipelines'],
            'contact': ['contacts'],
            'owner': ['owners'],
            'owner_archived': ['owners_archived', 'archived_owners'],
        },
        'pipedrive': {
            'organizations': ['organization'],
            'deals': ['deal'],
            'persons': ['person'],
            'stages': ['stage', 'pipeline_stages'],
            'users': ['user'],
        },
        'dynamics_365': {
            'account': ['accounts'],
            'opportunity': ['opportunities'],
            'contact': ['contacts'],
            'systemuser': ['systemusers'],
            'stringmap': ['stringmaps'],
            'transactioncurrency': ['transactioncurrencies'],
        },
        'generic': {
            'accounts': ['account'],
        },
        'own': {
            'shared_keys': ['account_mapping__shared_keys'],
        },
    } -%}
    {{- return([table_name] + other_names.get(source_name, {}).get(table_name, [])) -}}
{% endmacro %}
