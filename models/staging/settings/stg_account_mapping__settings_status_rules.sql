with

source as (

    {{ account_mapping.setting('account_mapping__status_rules', required={
        'source_system': dbt.type_string(),
        'field': dbt.type_string(),
        'raw_value': dbt.type_string(),
        'status': dbt.type_string(),
    }) }}

),

renamed as (

    select distinct
        source_system,
        lower(field) as field,
        lower(raw_value) as raw_value,
        lower(status) as status

    from source

)

select * from renamed
