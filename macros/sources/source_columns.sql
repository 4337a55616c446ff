{% macro source_columns(source_name) %}
    {#- What is read of a source: {table: {
            'key': staged columns that make one record,
            'needed': those of them without which a row is no record (default: all),
            'required': staged columns without which the build stops; a list among them means any one of its members,
            'expected': the same for an optional table, whose lack is a data issue,
            'identity': staged columns that say which company a row is about,
            'deleted': columns that say `deleted` beside those of the loaders; with 'deleted_when_filled' (a time) and
                'deleted_when_false' (active),
            'named': staged columns for which `<column>_attribute` tells the source column taken,
            'columns': {staged column: [type, name, other name, ...]},
        }}.
        Types are those of typed_column. Names are compared by their letters and digits only, in any case, and a name
        with a dot may reach into an object: `address.country`. -#}
    {%- set kinds = {
        'salesforce': account_mapping.salesforce_columns,
        'hubspot': account_mapping.hubspot_columns,
        'pipedrive': account_mapping.pipedrive_columns,
        'dynamics_365': account_mapping.dynamics_365_columns,
        'generic': account_mapping.generic_columns,
        'own': account_mapping.own_columns,
        'partners': account_mapping.partners_columns,
    } -%}
    {%- set tables = kinds[source_name]() -%}
    {#- what contacts do for a living is personal data: it is read only where somebody asked for people -#}
    {%- if var('account_mapping__people') -%}
        {%- for table_name, names in account_mapping.job_title_columns().get(source_name, {}).items() -%}
            {%- do tables[table_name]['columns'].update({'job_title': names}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for table_name, spec in account_mapping.lead_columns().get(source_name, {}).items() -%}
        {%- if table_name not in tables -%}
            {%- do tables.update({table_name: spec}) -%}
        {%- elif account_mapping.leads_mode() != 'off' -%}
            {%- do tables[table_name]['columns'].update(spec['columns']) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(tables) -}}
{% endmacro %}
