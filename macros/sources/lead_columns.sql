{% macro lead_columns() %}
    {#- What is read of leads beside the tables of source_columns, in their layout. HubSpot has no leads: contacts without a
        company are taken for them. -#}
    {%- set p = account_mapping.hubspot_property -%}
    {{- return({
        'salesforce': {
            'lead': {
                'key': ['source_lead_id'],
                'expected': ['source_lead_id', ['company', 'website', 'emails']],
                'deleted': ['is deleted', 'deleted'],
                'columns': {
                    'source_lead_id': ['salesforce_id', 'id', 'lead id'],
                    'converted_source_account_id': ['salesforce_id', 'converted account id'],
                    'is_converted': ['boolean', 'is converted', 'converted'],
                    'emails': ['text', 'email'],
                    'company': ['text', 'company', 'company / account'],
                    'website': ['text', 'website'],
                    'country_code': ['text', 'country code'],
                    'country_name': ['text', 'country'],
                    'state_code': ['text', 'state code'],
                    'state_name': ['text', 'state', 'state/province'],
                    'city': ['text', 'city'],
                    'postal_code': ['id', 'postal code', 'zip/postal code'],
                    'owner_id': ['salesforce_id', 'owner id', 'lead owner id'],
                    'owner_name': ['text', 'lead owner', 'owner name'],
                    'updated_at': ['timestamp', 'last modified date', 'system modstamp'],
                },
            },
        },
        'hubspot': {
            'contact': {
                'columns': {
                    'company': ['text'] + p('company', ['company name']),
                    'website': ['text'] + p('website', ['website url']),
                    'country_code': ['text'] + p('hs_country_region_code', ['country/region code']),
                    'country_name': ['text'] + p('country', ['country/region']),
                    'state': ['text'] + p('state', ['state/region']),
                    'city': ['text'] + p('city'),
                    'postal_code': ['id'] + p('zip', ['postal code']),
                    'owner_id': ['id'] + p('hubspot_owner_id', ['contact owner id']),
                },
            },
        },
    }) -}}
{% endmacro %}
