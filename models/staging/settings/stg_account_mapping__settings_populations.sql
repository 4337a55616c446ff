with

source as (

    {{ account_mapping.setting('account_mapping__populations', required={
        'population': dbt.type_string(),
        'side': dbt.type_string(),
    }, optional={
        'field': dbt.type_string(),
        'value': dbt.type_string(),
    }) }}

),

renamed as (

    select distinct
        {{ account_mapping.spreadsheet_safe('population') }} as population,
        lower(side) as side,
        lower(field) as field,
        lower(value) as condition_value

    from source

)

select * from renamed
