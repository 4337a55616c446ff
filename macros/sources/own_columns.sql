{% macro own_columns() %}
    {#- The table of a clean room's own side, as source_columns describes it. -#}
    {{- return({
        'shared_keys': {
            'key': ['partner_id', 'key_type', 'token'],
            'needed': [],
            'required': [
                'partner_id', 'agreement_id', 'epoch', 'normaliser_version', 'key_type', 'token', 'account_token',
            ],
            'deleted': [],
            'columns': account_mapping.shared_key_columns(),
        },
    }) -}}
{% endmacro %}

{% macro shared_key_columns() %}
    {#- The columns of account_mapping__shared_keys, as source_columns describes them. -#}
    {%- set columns = {} -%}
    {%- for column in [
        'partner_id', 'agreement_id', 'epoch', 'normaliser_version', 'key_type', 'token', 'account_token',
        'parent_account_token', 'status',
    ] -%}
        {%- do columns.update({column: ['text', column]}) -%}
    {%- endfor -%}
    {{- return(columns) -}}
{% endmacro %}
