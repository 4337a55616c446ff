with

source as (

    {{ account_mapping.setting('account_mapping__exclusions', required={
        'kind': dbt.type_string(),
        'value': dbt.type_string(),
        'partner_id': dbt.type_string(),
        'reason': dbt.type_string(),
    }) }}

),

renamed as (

    select distinct
        lower(kind) as kind,
        value as exclusion_value,
        coalesce(partner_id, '*') as partner_id,
        coalesce({{ account_mapping.spreadsheet_safe('reason') }}, 'excluded') as reason

    from source
    where value is not null

)

select * from renamed
