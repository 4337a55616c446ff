with

source as (

    {{ account_mapping.setting('account_mapping__partners', required={
        'partner_id': dbt.type_string(),
        'partner_name': dbt.type_string(),
        'exchange': dbt.type_string(),
        'is_active': dbt.type_boolean(),
    }, optional={
        'partner_type': dbt.type_string(),
        'tier': dbt.type_string(),
        'secret_env': dbt.type_string(),
        'agreement_id': dbt.type_string(),
        'epoch': dbt.type_string(),
        'count_noise_budget': dbt.type_string(),
        'partner_manager': dbt.type_string(),
    }) }}

),

renamed as (

    select
        ---------- ids
        partner_id,
        agreement_id,
        epoch,

        ---------- text
        coalesce({{ account_mapping.spreadsheet_safe('partner_name') }}, partner_id) as partner_name,
        {{ account_mapping.spreadsheet_safe('partner_type') }} as partner_type,
        {{ account_mapping.spreadsheet_safe('tier') }} as tier,
        lower(exchange) as exchange,
        coalesce(
            secret_env, 'ACCOUNT_MAPPING_SECRET_' || upper(partner_id)
        ) as secret_env,
        count_noise_budget,
        {{ account_mapping.spreadsheet_safe('partner_manager') }} as partner_manager,

        ---------- flags
        coalesce(is_active, true) as is_active

    from source

)

select * from renamed
